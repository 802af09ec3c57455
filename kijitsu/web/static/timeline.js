// 工程表: arrows go from row to row, and a slider goes from day to day. Without this the page does the same by its forms.
"use strict";

const DAY = 86400000;

function rows() {
  return [...document.querySelectorAll(".gantt a.row")];
}

// One row at a time is reached by the tab key.
function rove() {
  rows().forEach((row, place) => row.setAttribute("tabindex", place ? "-1" : "0"));
}

function slide() {
  const on = document.getElementById("on");
  const range = document.getElementById("slide");
  if (!on || !range) return;
  range.closest(".field").hidden = false;
  range.max = (Date.parse(on.max) - Date.parse(on.min)) / DAY;
  range.value = (Date.parse(on.value) - Date.parse(on.min)) / DAY;
  const dayAt = () => new Date(Date.parse(on.min) + range.value * DAY).toISOString().slice(0, 10);
  range.addEventListener("input", () => { on.value = dayAt(); range.setAttribute("aria-valuetext", on.value); });
  range.addEventListener("change", () => document.getElementById("asked").requestSubmit());
}

document.addEventListener("keydown", (event) => {
  const here = event.target.closest && event.target.closest(".gantt a.row");
  if (!here) return;
  const all = rows(), place = all.indexOf(here);
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all[to]) return;
  event.preventDefault();
  here.setAttribute("tabindex", "-1");
  all[to].setAttribute("tabindex", "0");
  all[to].focus();
});

rove();
slide();
