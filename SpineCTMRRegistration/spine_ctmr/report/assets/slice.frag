#version 300 es
// Colour of a pixel of a slice: the MR under the CT, the volume change and the outlines of the vertebrae.
precision highp int;
precision highp float;
uniform highp sampler3D volume; // the MR, windowed by NiiVue
uniform highp sampler3D images; // registered CT, CT before (0 outside), vertebrae, vertebrae before
uniform highp sampler3D change; // binary logarithm of det J; 0 is a fold
uniform highp sampler2D colours; // of the bytes of the volume change
uniform int shown; // 0 nothing, 1 bone, 2 the CT, 3 the volume change
uniform bool before;
uniform bool outlined;
uniform float strength;
uniform vec2 ctWindow; // values of the CT shown black and white, 0 to 1
uniform vec2 boneWindow;
uniform int cut; // 0 the whole picture, 1 a lens at the cross, 2 a checkerboard
uniform vec3 sizeMm; // of the image
uniform float stepMm; // between its voxels
uniform vec3 place; // of the cross, 0 to 1
in vec3 texPos;
out vec4 color;

const vec3 BONE = vec3(1.0, 0.55, 0.12);
const vec3 ODD = vec3(0.34, 0.71, 0.91);
const vec3 EVEN = vec3(0.94, 0.89, 0.26);
const float LENS_MM = 25.0;
const float CELL_MM = 16.0;

// From head to tail vertebrae are 0 and 1 in turn, all else a half; the mean of neighbours takes the steps of
// the voxels off.
float vertebrae(vec3 p) {
  vec3 reach = 0.75 * stepMm / sizeMm;
  float sum = 0.0;
  for (int axis = 0; axis < 3; axis++) {
    vec3 away = vec3(0.0);
    away[axis] = reach[axis];
    vec4 up = texture(images, p + away), down = texture(images, p - away);
    sum += before ? up.a + down.a : up.b + down.b;
  }
  return sum / 6.0;
}

vec3 withOutlines(vec3 rgb) {
  float here = vertebrae(texPos);
  float slope = max(fwidth(here), 1e-3);
  float odd = abs(here - 0.75) / slope, even = abs(here - 0.25) / slope;
  float away = min(odd, even);
  rgb = mix(rgb, vec3(0.0), 0.5 * clamp(2.4 - away, 0.0, 1.0));
  return mix(rgb, odd < even ? ODD : EVEN, clamp(1.6 - away, 0.0, 1.0));
}

// Folds are whole voxels, and so is what lies outside the CT and stays clear; all else is interpolated.
vec4 volumeColour(vec3 p) {
  ivec3 size = textureSize(change, 0);
  ivec3 voxel = min(ivec3(p * vec3(size)), size - 1);
  if (texelFetch(images, voxel, 0).r == 0.0) return vec4(0.0);
  bool folded = texelFetch(change, voxel, 0).r == 0.0;
  float code = folded ? 0.0 : max(1.0, 255.0 * texture(change, p).r);
  return texelFetch(colours, ivec2(code + 0.5, 0), 0);
}

float ramp(float value, vec2 ends) {
  return clamp((value - ends.x) / (ends.y - ends.x), 0.0, 1.0);
}

void main() {
  vec3 rgb = texture(volume, texPos).rgb;
  float lens = length((texPos - place) * sizeMm) - LENS_MM;
  vec3 cell = floor(texPos * sizeMm / CELL_MM);
  bool here = cut == 0 || (cut == 1 && lens < 0.0) || (cut == 2 && mod(cell.x + cell.y + cell.z, 2.0) > 0.5);
  if (here) {
    vec4 sampled = texture(images, texPos);
    float ct = before ? sampled.g : sampled.r;
    vec4 colour = volumeColour(texPos);
    if (shown == 1) rgb = mix(rgb, BONE, strength * pow(ramp(ct, boneWindow), 0.7));
    if (shown == 2) rgb = mix(rgb, vec3(ramp(ct, ctWindow)), strength);
    if (shown == 3) rgb = mix(rgb, colour.rgb, strength * colour.a);
  }
  if (cut == 1 && abs(lens) < 0.4) rgb = vec3(1.0);
  if (outlined) rgb = withOutlines(rgb);
  color = vec4(rgb, 1.0);
}
