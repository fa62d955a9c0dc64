"use strict";
// The three linked planes: NiiVue draws the MR and the cross, our fragment shader everything else.

const ABOUT = JSON.parse(document.getElementById("about").textContent);
const COMPARE = { blend: 0, lens: 1, checkerboard: 2 };
const PLANES = { axial: 0, coronal: 1, sagittal: 2 };
/** Pictures with their settings: what the shader shows, the CT's window, the opacity to begin with. */
const OVERLAYS = {
  none: { shown: 0, window: "bone", strength: 0 },
  bone: { shown: 1, window: "bone", strength: 0.6 },
  ct: { shown: 2, window: "bone", strength: 1 },
  soft: { shown: 2, window: "soft", strength: 1 },
  change: { shown: 3, window: "bone", strength: 0.8 },
};
const FIRST_VIEW = {
  overlay: "bone", strength: OVERLAYS.bone.strength, before: false, outlined: true, compare: "blend",
};
const OUTSIDE_CT = 0; // the byte; the darkest that was scanned is 1
const GAP_PX = 3;
const FIRST_FREE_UNIT = 20; // NiiVue uses texture units below 16

/** The bytes of an image in the page: base64 of a zlib stream. */
async function imageBytes(name) {
  const text = atob(document.getElementById("image-" + name).textContent);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Start NiiVue, which lies packed in the page too. */
async function addLibrary() {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(await imageBytes("niivue"));
  document.head.append(script);
}

/** Several byte images as the channels of one. */
function interleaved(...images) {
  const result = new Uint8Array(images.length * images[0].length);
  images.forEach((image, channel) => {
    for (let i = 0, k = channel; i < image.length; i++, k += images.length) result[k] = image[i];
  });
  return result;
}

/** Vertebra numbers as the shader wants them: 0 and 255 in turn from head to tail, nothing 128. */
function alternating(labels) {
  const codes = new Uint8Array(256).fill(128);
  ABOUT.shown.forEach(({ number }, place) => { codes[number] = place % 2 === 1 ? 255 : 0; });
  return labels.map((number) => codes[number]);
}

/** A number as text; of the first and the last byte of a range also all beyond it. */
function clipped(byte, first, value, digits) {
  const beyond = byte === first ? "≤ " : byte === 255 ? "≥ " : "";
  return beyond + value.toFixed(digits).replace("-", "−");
}

function hounsfield(byte) {
  const [low, high] = ABOUT.hu_range;
  return `CT ${clipped(byte, 1, low + ((high - low) * byte) / 255, 0)} HU`;
}

/** CT volume per MR volume. */
function volume(byte) {
  return byte === 0 ? "folded" : `volume × ${clipped(byte, 1, 2 ** ((byte - 128) / 127), 2)}`;
}

class Scene {
  constructor(canvas) {
    this.canvas = canvas;
    this.state = { ...FIRST_VIEW };
    this.measuring = false;
    this.onMove = () => {};
  }

  /** Unpack the images and draw them. Throws where WebGL 2 is missing. */
  async open() {
    const modes = niivue.DRAG_MODE;
    this.viewer = new niivue.Niivue({
      logLevel: "silent", loadingText: "", dragAndDropEnabled: false, isRadiologicalConvention: true,
      sagittalNoseLeft: true, multiplanarShowRender: niivue.SHOW_RENDER.NEVER, backColor: [0, 0, 0, 1],
      crosshairColor: [0.2, 0.9, 0.3, 0.7], crosshairWidth: 0.4, crosshairGap: 8, fontColor: [1, 1, 1, 1],
      showAllOrientationMarkers: true, measureLineColor: [1, 0.25, 0.25, 1],
      measureTextColor: [1, 1, 1, 1], fontMinPx: 13, clipPlaneHotKey: "", viewModeHotKey: "",
      cycleClipPlaneHotKey: "", dragModePrimary: modes.crosshair, dragMode: modes.windowing,
    });
    await this.viewer.attachToCanvas(this.canvas);
    const draw = this.viewer.drawScene.bind(this.viewer);
    this.viewer.drawScene = () => {}; // until the shader has its textures
    const names = ["mr", "ct", "ct_before", "volume_change", "vertebrae", "vertebrae_before"];
    const [mr, ct, before, change, bones, bonesBefore] = await Promise.all(names.map(imageBytes));
    this.registered = { ct, change, bones };
    this.rigid = { ct: before, bones: bonesBefore };
    await this.viewer.loadFromArrayBuffer(mr.buffer, "mr.nii");
    this.viewer.setCustomSliceShader(document.getElementById("slice-shader").textContent.trim());
    this.program = this.viewer.customSliceShader.program;
    const gl = this.viewer.gl;
    const four = interleaved(ct, before, alternating(bones), alternating(bonesBefore));
    this.addTexture("images", 0, gl.TEXTURE_3D, gl.RGBA8, gl.RGBA, ABOUT.size, four);
    this.addTexture("change", 1, gl.TEXTURE_3D, gl.R8, gl.RED, ABOUT.size, change);
    const colours = new Uint8Array(ABOUT.colours.flat());
    this.addTexture("colours", 2, gl.TEXTURE_2D, gl.RGBA8, gl.RGBA, [256, 1], colours);
    this.constants();
    this.viewer.drawScene = () => (this.prepare(), draw());
    this.viewer.onLocationChange = () => this.onMove(this.here());
    this.arrange();
    new ResizeObserver(() => this.arrange()).observe(this.canvas);
  }

  addTexture(name, index, kind, stored, given, size, bytes) {
    const gl = this.viewer.gl, unit = FIRST_FREE_UNIT + index;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(kind, gl.createTexture());
    for (const wrap of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R])
      gl.texParameteri(kind, wrap, gl.CLAMP_TO_EDGE);
    gl.texParameteri(kind, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(kind, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    if (kind === gl.TEXTURE_3D) gl.texImage3D(kind, 0, stored, ...size, 0, given, gl.UNSIGNED_BYTE, bytes);
    else gl.texImage2D(kind, 0, stored, ...size, 0, given, gl.UNSIGNED_BYTE, bytes);
    gl.useProgram(this.program);
    gl.uniform1i(this.uniform(name), unit);
    gl.activeTexture(gl.TEXTURE0);
  }

  uniform(name) {
    return this.viewer.gl.getUniformLocation(this.program, name);
  }

  constants() {
    const gl = this.viewer.gl;
    gl.uniform3fv(this.uniform("sizeMm"), ABOUT.size.map((count) => count * ABOUT.step_mm));
    gl.uniform1f(this.uniform("stepMm"), ABOUT.step_mm);
    gl.uniform2fv(this.uniform("boneWindow"), ABOUT.windows.overlay);
  }

  /** Hand the state to the shader. */
  prepare() {
    const gl = this.viewer.gl, overlay = OVERLAYS[this.state.overlay];
    gl.useProgram(this.program);
    gl.uniform1i(this.uniform("shown"), overlay.shown);
    gl.uniform2fv(this.uniform("ctWindow"), ABOUT.windows[overlay.window]);
    gl.uniform1i(this.uniform("before"), this.state.before ? 1 : 0);
    gl.uniform1i(this.uniform("outlined"), this.state.outlined ? 1 : 0);
    gl.uniform1f(this.uniform("strength"), this.state.strength);
    gl.uniform1i(this.uniform("cut"), COMPARE[this.state.compare]);
    gl.uniform3fv(this.uniform("place"), this.viewer.scene.crosshairPos);
  }

  set(changes) {
    Object.assign(this.state, changes);
    this.viewer.drawScene();
  }

  /** Planes side by side where there is room, else the sagittal one above the others. */
  arrange() {
    const [width, depth, height] = ABOUT.size;
    const across = depth + 2 * width, beside = depth + width, top = height / (height + Math.max(width, depth));
    const wide = this.canvas.clientWidth > 1.1 * this.canvas.clientHeight;
    const parts = wide
      ? { sagittal: [0, 0, depth / across, 1], coronal: [depth / across, 0, width / across, 1],
          axial: [beside / across, 0, width / across, 1] }
      : { sagittal: [0, 0, depth / beside, top], coronal: [depth / beside, 0, width / beside, top],
          axial: [0, top, 1, 1 - top] };
    const [gapX, gapY] = [GAP_PX / this.canvas.clientWidth, GAP_PX / this.canvas.clientHeight];
    this.viewer.setCustomLayout(
      Object.entries(parts).map(([name, [left, upper, wideness, tallness]]) => ({
        sliceType: PLANES[name],
        position: [left + gapX, upper + gapY, wideness - 2 * gapX, tallness - 2 * gapY],
      }))
    );
  }

  /** What is at the cross in the CT shown: the vertebra's name or "", and all as a text. */
  here() {
    const [x, y, z] = ABOUT.size.map((count, axis) => {
      const voxel = Math.floor(this.viewer.scene.crosshairPos[axis] * count);
      return Math.min(count - 1, Math.max(0, voxel));
    });
    const index = x + ABOUT.size[0] * (y + ABOUT.size[1] * z);
    const { ct, change, bones } = this.state.before ? this.rigid : this.registered;
    const found = ABOUT.shown.find((one) => one.number === bones[index]);
    const name = found ? found.name : "";
    const values = [hounsfield(ct[index]), ...(change ? [volume(change[index])] : [])];
    const outside = ct[index] === OUTSIDE_CT;
    return { name, text: outside ? "outside the CT" : [name || "between the vertebrae", ...values].join(" · ") };
  }

  /** Put the cross at a place (x, y, z), each 0 to 1. */
  jump(place) {
    this.viewer.scene.crosshairPos = place.slice();
    this.viewer.createOnLocationChange();
    this.viewer.drawScene();
  }

  zoom(factor) {
    const [x, y, z, before] = this.viewer.scene.pan2Dxyzmm;
    this.viewer.setPan2Dxyzmm([x, y, z, Math.min(8, Math.max(1, before * factor))]);
  }

  /** Show everything as in the beginning; the cross stays. */
  reset() {
    Object.assign(this.state, FIRST_VIEW);
    this.measure(false);
    this.viewer.setPan2Dxyzmm([0, 0, 0, 1]);
    const mr = this.viewer.volumes[0];
    [mr.cal_min, mr.cal_max] = [0, 255];
    this.viewer.updateGLVolume();
  }

  measure(on) {
    this.measuring = on;
    this.viewer.opts.dragModePrimary = on ? niivue.DRAG_MODE.measurement : niivue.DRAG_MODE.crosshair;
    if (!on) this.viewer.clearMeasurements();
    this.viewer.drawScene();
  }
}
