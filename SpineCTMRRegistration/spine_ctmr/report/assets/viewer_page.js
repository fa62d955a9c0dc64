"use strict";
// Buttons, keys and the list of vertebrae.

const byId = (id) => document.getElementById(id);
const KEYS = {
  0: () => overlay("none"), 1: () => overlay("bone"), 2: () => overlay("ct"), 3: () => overlay("soft"),
  4: () => overlay("change"), b: () => toggle("before"), " ": () => toggle("before"),
  o: () => toggle("outlined"), l: () => compare("lens"), c: () => compare("checkerboard"),
  m: () => measure(!scene.measuring), "+": () => strength(scene.state.strength + 0.1),
  "-": () => strength(scene.state.strength - 0.1), z: () => scene.zoom(1.25), x: () => scene.zoom(0.8),
  r: () => reset(), n: () => step(1), p: () => step(-1),
};
let scene;

/** Show on the buttons what is on. */
function mirror() {
  const state = scene.state;
  for (const button of document.querySelectorAll("[data-overlay]"))
    press(button, button.dataset.overlay === state.overlay);
  for (const button of document.querySelectorAll("[data-compare]"))
    press(button, button.dataset.compare === state.compare);
  press(byId("registered"), !state.before);
  press(byId("before"), state.before);
  press(byId("outlines"), state.outlined);
  press(byId("measure"), scene.measuring);
  byId("legend").hidden = state.overlay !== "change";
  byId("strength").value = Math.round(100 * state.strength);
  byId("state").textContent = state.before ? "CT at the rigid start" : "CT registered";
  byId("state").classList.toggle("before", state.before);
  tell(scene.here());
}

function press(button, on) {
  button.setAttribute("aria-pressed", on ? "true" : "false");
}

/** The colours of the volume change, without that of folds, over a middle grey. */
function paintLegend() {
  const shades = ABOUT.colours.slice(1).map(([r, g, b, a]) => {
    const over = (value) => Math.round(110 + ((value - 110) * a) / 255);
    return `rgb(${over(r)},${over(g)},${over(b)})`;
  });
  document.querySelector("#legend i").style.background = `linear-gradient(to right, ${shades.join(",")})`;
}

function overlay(name) {
  scene.set({ overlay: name, strength: OVERLAYS[name].strength });
  mirror();
}

/** Blend, lens or checkerboard; asked for again, back to the blend. The cut ones want an opaque CT. */
function compare(name) {
  const chosen = scene.state.compare === name ? "blend" : name;
  const cut = chosen !== "blend" && ["none", "bone"].includes(scene.state.overlay);
  scene.set({ compare: chosen, ...(cut ? { overlay: "ct", strength: 1 } : {}) });
  mirror();
}

function toggle(name) {
  scene.set({ [name]: !scene.state[name] });
  mirror();
}

function strength(share) {
  scene.set({ strength: Math.min(1, Math.max(0, share)) });
  mirror();
}

function measure(on) {
  scene.measure(on);
  mirror();
}

function reset() {
  scene.reset();
  mirror();
}

/** Put the cross into a vertebra and mark its row. */
function jump(row) {
  scene.jump(ABOUT.vertebrae.find((one) => one.name === row.dataset.vertebra).place);
  mark(row.dataset.vertebra);
}

/** The next or the previous vertebra. */
function step(by) {
  const rows = [...document.querySelectorAll("[data-vertebra]")];
  const now = rows.findIndex((row) => row.classList.contains("here"));
  const row = rows[Math.min(rows.length - 1, Math.max(0, now + by))];
  if (row) {
    jump(row);
    row.scrollIntoView({ block: "nearest" });
  }
}

function mark(name) {
  for (const row of document.querySelectorAll("[data-vertebra]"))
    row.classList.toggle("here", row.dataset.vertebra === name);
}

function tell({ text }) {
  byId("place").textContent = text;
}

function moved(here) {
  tell(here);
  if (here.name) mark(here.name);
}

function connect() {
  const click = (selector, act) => {
    for (const button of document.querySelectorAll(selector)) button.addEventListener("click", () => act(button));
  };
  click("[data-overlay]", (button) => overlay(button.dataset.overlay));
  click("[data-compare]", (button) => compare(button.dataset.compare));
  click("[data-zoom]", (button) => scene.zoom(Number(button.dataset.zoom)));
  click("#registered", () => (scene.set({ before: false }), mirror()));
  click("#before", () => (scene.set({ before: true }), mirror()));
  click("#outlines", () => toggle("outlined"));
  click("#measure", () => measure(!scene.measuring));
  click("#reset", reset);
  click("[data-vertebra]", jump);
  byId("strength").addEventListener("input", (event) => strength(event.target.value / 100));
  document.addEventListener("click", leave);
  document.addEventListener("keydown", pressed, true);
}

/** Leave what the mouse pressed, so that space is free again; pressed by a key it stays focused. */
function leave(event) {
  const left = event.detail > 0 && event.target.closest("button, summary");
  if (left) left.blur();
}

/** Whether a key is the focused element's own: all that are typed, space on what it presses. */
function taken({ target, key }) {
  const typing = target.matches("textarea, select, input:not([type=range])");
  return typing || (key === " " && target.matches("button, summary, a"));
}

function pressed(event) {
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (taken(event) || event.ctrlKey || event.metaKey || event.altKey || !act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function sorry(reason) {
  byId("trouble-reason").textContent = reason;
  byId("trouble").hidden = false;
  byId("scene").hidden = true;
  byId("pictures").open = true;
}

async function begin() {
  signing();
  if (!document.createElement("canvas").getContext("webgl2"))
    return sorry("This browser shows no WebGL 2 graphics");
  if (typeof DecompressionStream === "undefined") return sorry("This browser is too old to unpack the images");
  try {
    await addLibrary();
    scene = new Scene(byId("canvas"));
    await scene.open();
  } catch (error) {
    console.error(error);
    return sorry("The images could not be drawn");
  }
  byId("canvas").addEventListener("webglcontextlost", () => sorry("The graphics processor stopped"));
  scene.onMove = moved;
  connect();
  paintLegend();
  mirror();
  const first = document.querySelector("[data-vertebra].doubt") || document.querySelector("[data-vertebra]");
  if (first) jump(first);
  byId("loading").hidden = true;
  document.body.dataset.ready = "yes";
}

addEventListener("beforeprint", () => { byId("pictures").open = true; });
begin();
