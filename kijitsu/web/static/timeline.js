// 工程表: arrows go from row to row, and a slider from day to day. Without this the page does the same by links and its form.
"use strict";

const DAY = 86400000;
const rows = () => [...document.querySelectorAll(".gantt a.row")];

// One row at a time is reached by the tab key.
function rove(to) {
  rows().forEach((row) => row.setAttribute("tabindex", row === to ? "0" : "-1"));
}

document.addEventListener("keydown", (event) => {
  const here = event.target.closest(".gantt a.row");
  if (!here) return;
  const all = rows(), place = all.indexOf(here);
  const to = all[{ ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }[event.key]];
  if (!to) return;
  event.preventDefault();
  rove(to);
  to.focus();
});

document.addEventListener("input", (event) => {
  if (event.target.id !== "slide") return;
  const on = document.getElementById("on");
  on.value = new Date(Date.parse(on.min) + event.target.value * DAY).toISOString().slice(0, 10);
  event.target.setAttribute("aria-valuetext", on.value);
});

document.addEventListener("change", (event) => {
  if (event.target.id === "slide") event.target.form.requestSubmit();
});

document.addEventListener("htmx:afterSettle", () => rove(rows()[0]));
rove(rows()[0]);
