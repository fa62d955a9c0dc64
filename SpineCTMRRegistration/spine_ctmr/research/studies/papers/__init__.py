"""The networks of four papers: trained within budgets, measured, and shown beside what the papers print."""
