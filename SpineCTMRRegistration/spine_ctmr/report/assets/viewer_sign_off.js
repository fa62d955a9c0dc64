"use strict";
// Decisions and remarks: kept in this browser until they are saved as the file that `spine-ctmr sign-off` reads.

const SIGNED = JSON.parse(document.getElementById("about").textContent);
const KEPT_UNDER = "spine-ctmr sign-off " + SIGNED.result;
let unsaved = false;

function decided(row) {
  const chosen = row.querySelector("input[type=radio]:checked");
  return chosen ? chosen.value : "";
}

/** The content of the file. */
function signOff() {
  const rows = [...document.querySelectorAll("[data-vertebra]")];
  return {
    result: SIGNED.result,
    reviewer: document.getElementById("reviewer").value.trim(),
    signed: new Date().toISOString(),
    vertebrae: rows.map((row) => ({
      vertebra: row.dataset.vertebra,
      decision: decided(row),
      remark: row.querySelector("textarea").value.trim(),
    })),
  };
}

function fill(content) {
  document.getElementById("reviewer").value = content.reviewer;
  for (const { vertebra, decision, remark } of content.vertebrae) {
    const row = document.querySelector(`[data-vertebra="${CSS.escape(vertebra)}"]`);
    if (!row) continue;
    row.querySelector("textarea").value = remark;
    const choice = row.querySelector(`input[value="${decision}"]`);
    if (choice) choice.checked = true;
  }
}

function count() {
  const decisions = [...document.querySelectorAll("[data-vertebra]")].map(decided);
  const accepted = decisions.filter((one) => one === "accept").length;
  const rejected = decisions.filter((one) => one === "reject").length;
  const open = decisions.length - accepted - rejected;
  document.getElementById("count").textContent =
    `${accepted} accepted, ${rejected} rejected, ${open} open${unsaved ? "; not saved yet" : ""}`;
}

function keep() {
  try {
    localStorage.setItem(KEPT_UNDER, JSON.stringify({ ...signOff(), unsaved }));
  } catch {
    // a browser that keeps nothing: the file is still saved by the button
  }
  count();
}

/** Go on with what was kept, and say whose it is. */
function restore() {
  const kept = JSON.parse(localStorage.getItem(KEPT_UNDER));
  if (!kept) return;
  fill(kept);
  unsaved = kept.unsaved;
  const when = new Date(kept.signed).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const note = document.getElementById("kept");
  note.textContent =
    `Opened with the ${unsaved ? "unsaved draft" : "saved decisions"} of ${kept.reviewer || "a nameless reader"}, ${when}`;
  note.hidden = false;
}

function changed() {
  unsaved = true;
  keep();
}

function save() {
  const text = JSON.stringify(signOff(), null, 2) + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "sign_off.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  unsaved = false;
  keep();
}

function signing() {
  try {
    restore();
  } catch {
    // a browser that keeps nothing
  }
  const list = document.getElementById("vertebrae");
  list.addEventListener("input", changed);
  document.getElementById("reviewer").addEventListener("input", changed);
  document.getElementById("save").addEventListener("click", save);
  addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
  for (const part of list.querySelectorAll(".decision"))
    part.addEventListener("click", (event) => event.stopPropagation());
  count();
}
