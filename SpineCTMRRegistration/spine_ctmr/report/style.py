"""How the report looks on a screen, on a phone and on two sheets of A4."""

STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:1rem;color:#1b1b1b;background:#fff;
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.35rem;margin:.2rem 0 .8rem}
h2{font-size:1.1rem;margin:1.6rem 0 .5rem;border-bottom:1px solid #bbb}
.verdict{font-size:1.2rem;font-weight:600;border:2px solid #1b1b1b;border-left-width:.7rem;
 border-radius:.3rem;padding:.6rem .9rem;margin:0 0 .8rem}
.verdict small{display:block;font-weight:400;font-size:.95rem}
.good{border-color:#00694e}.check{border-color:#a86400}.refuse{border-color:#a32a00}
.verdict span,.flag span{display:inline-block;width:1.3em;font-weight:700}
figure{margin:0 0 1rem}img{display:block;width:100%;height:auto;background:#141414}
figcaption{font-size:.85rem;color:#444;margin-top:.2rem}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.6rem;max-width:70rem}
.strip{margin-bottom:1rem}.strip figure{margin:0}
.strip figcaption{font-size:.95rem;color:#1b1b1b;font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.8rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .35rem;border-bottom:1px solid #ccc;text-align:right;vertical-align:top}
thead th{vertical-align:bottom;border-bottom:2px solid #555;font-weight:600}
th:first-child,th.text{text-align:left}td.flag{text-align:left;white-space:nowrap;font-weight:600}
td.reason{text-align:left;min-width:9rem}
table.pairs{width:100%}table.pairs td{text-align:left}table.pairs th{font-weight:400;width:60%}
.columns{display:grid;grid-template-columns:1fr 1fr;gap:0 2rem}
.columns h2{margin-top:.8rem}ul{margin:.3rem 0;padding-left:1.2rem}li{margin:.15rem 0}
svg{width:100%;max-width:34rem;height:auto;font-family:inherit}
.legend{font-size:.85rem;color:#444}
footer{margin-top:1.2rem;border-top:1px solid #bbb;padding-top:.3rem;font-size:.9rem;font-weight:600}
footer p{display:inline;margin-right:.5em}
@media(max-width:40rem){body{padding:.6rem;font-size:15px}.wide{overflow-x:auto}.wide img{min-width:44rem}
 .columns{display:block}.strip{grid-template-columns:1fr 1fr}}
@media print{@page{size:A4 portrait;margin:9mm}html{font-size:8.5pt}
 body{max-width:none;padding:0;font-size:8.5pt;line-height:1.3}
 h1{font-size:13pt;margin:0 0 2mm}h2{font-size:10pt;margin:2mm 0 1mm}
 .verdict{font-size:11pt;padding:1.5mm 3mm;margin-bottom:2mm}
 .scroll,.wide{overflow:visible}figure,tr,.verdict,.whole{break-inside:avoid}h2{break-after:avoid}
 figure{margin:0 0 2mm}.wide img{max-height:150mm;width:auto;max-width:100%;margin:0 auto}
 .sheet{break-before:page}.sheet .wide img{max-height:78mm}
 .strip{display:flex;flex-wrap:wrap;gap:2mm}.strip figure{width:36mm}
 table{font-size:7.5pt}th,td{padding:.6mm 1mm}td.reason{min-width:30mm}svg{max-width:80mm}
 .columns{display:grid;gap:0 6mm}
 img,.verdict,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
