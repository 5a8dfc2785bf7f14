"use strict";
// Replay of one walk. Everything is drawn from two shapes: round bars that may taper (bones, muscles, arrows), and the
// surfaces of bones where the page holds them. The geometry is worked out here from body poses, frame by frame.

const facts = JSON.parse(document.getElementById("facts").textContent);
const data = readArrays();
const $ = (id) => document.getElementById(id);
const RIGHT = [0.043, 0.373, 0.647], LEFT = [0.769, 0.263, 0.106], FORCE = [0.10, 0.56, 0.36], TORQUE = [0.48, 0.25, 0.69];
const BONE = [0.90, 0.87, 0.80], GHOST = [0.50, 0.56, 0.64], UNKNOWN = [0.62, 0.42, 0.40];
const METRES_PER_BODY_WEIGHT = 0.75, RADIANS_PER_TORQUE = 2.2;

function readArrays() {
  const text = atob(document.getElementById("arrays").textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const kinds = { f4: Float32Array, u1: Uint8Array, i4: Int32Array, i2: Int16Array };
  const arrays = {};
  for (const [name, [kind, offset, length]] of Object.entries(facts.arrays))
    arrays[name] = new kinds[kind](bytes.buffer, offset, length);
  return arrays;
}

// ---- small vectors and matrices (column by column, as WebGL wants them) ----------------------------------------------
const sub = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const add = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => { const n = Math.hypot(...a) || 1; return [a[0] / n, a[1] / n, a[2] / n]; };
const mix = (a, b, t) => [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
function multiply(a, b) {
  const c = new Float32Array(16);
  for (let j = 0; j < 4; j++) for (let i = 0; i < 4; i++)
    c[4 * j + i] = a[i] * b[4 * j] + a[4 + i] * b[4 * j + 1] + a[8 + i] * b[4 * j + 2] + a[12 + i] * b[4 * j + 3];
  return c;
}
function perspective(angle, aspect, near, far) {
  const f = 1 / Math.tan(angle / 2), d = 1 / (near - far);
  return new Float32Array([f / aspect, 0, 0, 0, 0, f, 0, 0, 0, 0, (far + near) * d, -1, 0, 0, 2 * far * near * d, 0]);
}
function lookAt(eye, target) {
  const z = unit(sub(eye, target)), x = unit(cross([0, 1, 0], z)), y = cross(z, x);
  return new Float32Array([x[0], y[0], z[0], 0, x[1], y[1], z[1], 0, x[2], y[2], z[2], 0,
    -dot(x, eye), -dot(y, eye), -dot(z, eye), 1]);
}

// ---- one frame of the walk ------------------------------------------------------------------------------------------
// A frame is a real number: poses are mixed linearly between samples, which at this rate nobody can see.
const N = facts.frames, NB = facts.bodies.length, NM = facts.muscles.length;
function poseAt(frame) {
  const i = Math.min(Math.floor(frame), N - 1), j = Math.min(i + 1, N - 1), t = frame - i;
  const position = [], rotation = [];
  for (let b = 0; b < NB; b++) {
    const p = 3 * (i * NB + b), q = 3 * (j * NB + b), r = 9 * (i * NB + b), s = 9 * (j * NB + b);
    position.push(mix(data.position.subarray(p, p + 3), data.position.subarray(q, q + 3), t));
    const m = new Float32Array(9);
    for (let k = 0; k < 9; k++) m[k] = (data.rotation[r + k] * (1 - t) + data.rotation[s + k] * t) / 32767;
    rotation.push(m);
  }
  return { i, j, t, position, rotation };
}
function place(pose, body, x, y, z) {
  if (body < 0) return [x, y, z];
  const m = pose.rotation[body], p = pose.position[body];
  return [p[0] + m[0] * x + m[1] * y + m[2] * z, p[1] + m[3] * x + m[4] * y + m[5] * z,
    p[2] + m[6] * x + m[7] * y + m[8] * z];
}
function heat(a) {
  // blue, violet, red; NaN is a muscle of which nothing is known
  if (!(a >= 0)) return UNKNOWN;
  const cold = [0.23, 0.42, 0.86], middle = [0.62, 0.29, 0.64], hot = [0.93, 0.12, 0.09];
  a = Math.min(a, 1);
  return a < 0.5 ? mix(cold, middle, 2 * a) : mix(middle, hot, 2 * a - 1);
}
function activationAt(pose, m) {
  if (!data.activation) return NaN;
  const a = data.activation[pose.i * NM + m], b = data.activation[pose.j * NM + m];
  return a === 255 || b === 255 ? NaN : ((1 - pose.t) * a + pose.t * b) / 254;
}
function muscleBars(pose, bars) {
  const nm = facts.moving, nc = facts.conditional;
  const onPath = (k) => data.active[pose.i * nc + k] === 1;
  for (let m = 0; m < NM; m++) {
    const points = [];
    for (let p = data.pointStart[m]; p < data.pointStart[m + 1]; p++) {
      const condition = data.pointCondition[p], moving = data.pointMoving[p];
      if (condition >= 0 && !onPath(condition)) continue;
      let x = data.pointLocal, k = 3 * p;
      if (moving >= 0) { x = data.movingLocal; k = 3 * (pose.i * nm + moving); }
      points.push(place(pose, data.pointBody[p], x[k], x[k + 1], x[k + 2]));
    }
    let length = 0;
    for (let k = 1; k < points.length; k++) length += Math.hypot(...sub(points[k], points[k - 1]));
    const colour = heat(activationAt(pose, m)), radius = data.radius[m];
    // Thin at the ends, thick in the middle: tendon and belly, drawn in pieces of at most a fifth of the path.
    const thickness = (s) => radius * (0.5 + 0.5 * Math.sqrt(Math.max(0, Math.sin(Math.PI * s / length))));
    let gone = 0;
    for (let k = 1; k < points.length; k++) {
      const piece = Math.hypot(...sub(points[k], points[k - 1])), parts = Math.max(1, Math.ceil(5 * piece / length));
      for (let n = 0; n < parts; n++)
        bars.push(mix(points[k - 1], points[k], n / parts), thickness(gone + piece * n / parts),
          mix(points[k - 1], points[k], (n + 1) / parts), thickness(gone + piece * (n + 1) / parts), colour);
      gone += piece;
    }
  }
}
function boneBars(pose, bars, ghosts) {
  const meshed = new Set(facts.meshes.map((mesh) => mesh.body));
  for (const link of facts.links) {
    if (meshed.has(link.body[0]) && (link.ghost || meshed.has(link.body[1]))) continue;
    const ends = [0, 1].map((e) => place(pose, link.body[e], ...link.end[e]));
    (link.ghost ? ghosts : bars).push(ends[0], link.radius[0], ends[1], link.radius[1], link.ghost ? GHOST : BONE);
  }
}
function forceAt(pose, foot) {
  const k = 6 * pose.i + 3 * foot, n = 6 * pose.j + 3 * foot;
  return mix(data.force.subarray(k, k + 3), data.force.subarray(n, n + 3), pose.t);
}
function forceBars(pose, bars) {
  for (let foot = 0; foot < 2; foot++) {
    const force = forceAt(pose, foot), size = Math.hypot(...force);
    if (force[1] < facts.contactForce) continue;
    const k = 6 * pose.i + 3 * foot, base = [data.pressure[k], data.pressure[k + 1], data.pressure[k + 2]];
    arrow(bars, base, add(base, force, METRES_PER_BODY_WEIGHT / facts.weight), 0.009, FORCE);
  }
}
function arrow(bars, from, to, radius, colour) {
  const way = sub(to, from), length = Math.hypot(...way), head = Math.min(0.09, 0.5 * length);
  const neck = add(to, way, -head / length);
  bars.push(from, radius, neck, radius, colour);
  bars.push(neck, 2.6 * radius, to, 0.001, colour);
}
function torqueBars(pose, bars) {
  facts.torques.forEach((torque, k) => {
    const value = data.torque[pose.i * facts.torques.length + k] / facts.mass;
    if (Math.abs(value) < 0.01) return;
    const a = 3 * (pose.i * facts.torques.length + k);
    const axis = unit([data.torqueAxis[a], data.torqueAxis[a + 1], data.torqueAxis[a + 2]]);
    // The arc lies outside the limb: the axis of the right leg points away from the body, that of the left towards it.
    const outward = Math.sign(axis[2]) * (torque.side === "r" ? 1 : -1) || 1;
    const centre = add(pose.position[torque.body], axis, 0.07 * outward);
    const first = unit(sub([0, 1, 0], axis.map((x) => x * axis[1]))), second = cross(axis, first), R = 0.105;
    const sweep = Math.max(-4.6, Math.min(4.6, RADIANS_PER_TORQUE * value + 0.35 * Math.sign(value)));
    const at = (angle) => add(add(centre, first, R * Math.cos(angle)), second, R * Math.sin(angle));
    const steps = Math.max(4, Math.ceil(Math.abs(sweep) * 7));
    const start = -0.5 * sweep + Math.PI / 2;
    for (let n = 0; n < steps; n++)
      bars.push(at(start + sweep * n / steps), 0.008, at(start + sweep * (n + 1) / steps), 0.008, TORQUE);
    const end = start + sweep, along = unit(sub(at(end + 0.01 * Math.sign(sweep)), at(end)));
    bars.push(at(end), 0.021, add(at(end), along, 0.055), 0.001, TORQUE);
  });
}

// ---- drawing ----------------------------------------------------------------------------------------------------------
const canvas = $("view");
const gl = canvas.getContext("webgl2", { antialias: true, stencil: true, preserveDrawingBuffer: true });
if (!gl) { $("sorry").style.display = "grid"; document.body.dataset.state = "no webgl"; throw new Error("WebGL 2 is missing"); }

const LIGHTING = `
vec3 lit(vec3 colour, vec3 n, vec3 toEye) {
  vec3 sun = normalize(vec3(0.45, 0.85, 0.55));
  float sky = 0.5 + 0.5 * n.y, d = max(dot(n, sun), 0.0), fill = max(dot(n, normalize(vec3(-0.6, 0.2, -0.5))), 0.0);
  float gloss = pow(max(dot(reflect(-sun, n), toEye), 0.0), 28.0) * 0.16;
  return colour * (0.46 + 0.24 * sky + 0.46 * d + 0.20 * fill) + gloss;
}`;
const BAR_VERTEX = `#version 300 es
layout(location=0) in vec4 shape;            // normal in the bar's own axes (y along it), and which end
layout(location=1) in vec4 first;            // xyz and radius
layout(location=2) in vec4 last;
layout(location=3) in vec3 tint;
uniform mat4 camera; uniform float flatten;
out vec3 normal; out vec3 world; out vec3 colour;
void main() {
  vec3 way = last.xyz - first.xyz; float len = length(way);
  vec3 y = len > 1e-6 ? way / len : vec3(0.0, 1.0, 0.0);
  vec3 x = normalize(abs(y.x) < 0.9 ? cross(y, vec3(1.0, 0.0, 0.0)) : cross(y, vec3(0.0, 0.0, 1.0)));
  vec3 z = cross(x, y);
  normal = x * shape.x + y * shape.y + z * shape.z;
  world = mix(first.xyz, last.xyz, shape.w) + normal * mix(first.w, last.w, shape.w);
  // A tapering side leans towards the thin end.
  normal = normalize(normal + y * clamp((first.w - last.w) / max(len, 1e-4), -2.0, 2.0) * (1.0 - shape.y * shape.y));
  if (flatten > 0.0) { world.xz -= world.y * vec2(0.53, 0.65) * 0.55; world.y = 0.002; }
  colour = tint;
  gl_Position = camera * vec4(world, 1.0);
}`;
const MESH_VERTEX = `#version 300 es
layout(location=0) in vec3 point; layout(location=1) in vec3 direction;
uniform mat4 camera; uniform mat4 body; uniform float flatten; uniform vec3 tint;
out vec3 normal; out vec3 world; out vec3 colour;
void main() {
  world = (body * vec4(point, 1.0)).xyz; normal = mat3(body) * direction; colour = tint;
  if (flatten > 0.0) { world.xz -= world.y * vec2(0.53, 0.65) * 0.55; world.y = 0.002; }
  gl_Position = camera * vec4(world, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 normal; in vec3 world; in vec3 colour;
uniform vec3 eye; uniform float flatten; uniform float alpha;
out vec4 result;
${LIGHTING}
void main() {
  if (flatten > 0.0) { result = vec4(0.08, 0.11, 0.15, 0.20); return; }
  vec3 n = normalize(normal); vec3 toEye = normalize(eye - world);
  if (dot(n, toEye) < 0.0) n = -n;
  result = vec4(lit(colour, n, toEye), alpha);
}`;
const FLOOR_VERTEX = `#version 300 es
layout(location=0) in vec2 corner; uniform mat4 camera; uniform vec3 centre; out vec3 world;
void main() { world = vec3(corner.x * 14.0 + centre.x, 0.0, corner.y * 14.0 + centre.z); gl_Position = camera * vec4(world, 1.0); }`;
const FLOOR_FRAGMENT = `#version 300 es
precision highp float;
in vec3 world; uniform vec3 centre; out vec4 result;
float rule(float x, float every) { float d = fwidth(x) * 1.2; float m = abs(fract(x / every - 0.5) - 0.5) * every; return 1.0 - smoothstep(0.0, d, m); }
void main() {
  float far = smoothstep(1.5, 9.0, length(world.xz - centre.xz));
  float fine = max(rule(world.x, 0.1), rule(world.z, 0.1)) * 0.10, coarse = max(rule(world.x, 1.0), rule(world.z, 1.0)) * 0.42;
  vec3 c = mix(vec3(0.955, 0.963, 0.972), vec3(0.60, 0.65, 0.71), max(fine, coarse));
  result = vec4(mix(c, vec3(0.910, 0.925, 0.941), far), 1.0);
}`;
function program(vertex, fragment) {
  const p = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const s = gl.createShader(kind);
    gl.shaderSource(s, text); gl.compileShader(s);
    if (!gl.getShaderParameter(s, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(s));
    gl.attachShader(p, s);
  }
  gl.linkProgram(p);
  if (!gl.getProgramParameter(p, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(p));
  return { p, at: (name) => gl.getUniformLocation(p, name) };
}
const bar = program(BAR_VERTEX, FRAGMENT), mesh = program(MESH_VERTEX, FRAGMENT), floorProgram = program(FLOOR_VERTEX, FLOOR_FRAGMENT);

class Bars {
  constructor() { this.values = []; }
  push(a, ra, b, rb, colour) { this.values.push(a[0], a[1], a[2], ra, b[0], b[1], b[2], rb, colour[0], colour[1], colour[2]); }
  get count() { return this.values.length / 11; }
}
const capsule = (() => {
  const around = 14, caps = 4, rows = [], index = [];
  for (let r = 0; r < 2 * (caps + 1); r++) {
    const end = r > caps ? 1 : 0, angle = (end ? r - caps - 1 : r - caps) / caps * Math.PI / 2;
    for (let k = 0; k < around; k++) {
      const turn = 2 * Math.PI * k / around;
      rows.push(Math.cos(angle) * Math.cos(turn), Math.sin(angle), Math.cos(angle) * Math.sin(turn), end);
    }
  }
  for (let r = 0; r < 2 * caps + 1; r++) for (let k = 0; k < around; k++) {
    const a = r * around + k, b = r * around + (k + 1) % around;
    index.push(a, a + around, b, b, a + around, b + around);
  }
  return { rows: new Float32Array(rows), index: new Uint16Array(index) };
})();
const barArray = gl.createVertexArray(), barInstances = gl.createBuffer();
gl.bindVertexArray(barArray);
gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
gl.bufferData(gl.ARRAY_BUFFER, capsule.rows, gl.STATIC_DRAW);
gl.enableVertexAttribArray(0); gl.vertexAttribPointer(0, 4, gl.FLOAT, false, 16, 0);
gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, capsule.index, gl.STATIC_DRAW);
gl.bindBuffer(gl.ARRAY_BUFFER, barInstances);
[[1, 4, 0], [2, 4, 16], [3, 3, 32]].forEach(([slot, size, offset]) => {
  gl.enableVertexAttribArray(slot); gl.vertexAttribPointer(slot, size, gl.FLOAT, false, 44, offset); gl.vertexAttribDivisor(slot, 1);
});
const floorArray = gl.createVertexArray();
gl.bindVertexArray(floorArray);
gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
gl.enableVertexAttribArray(0); gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 8, 0);

const surfaces = facts.meshes.map((m, k) => {
  const points = data[`meshPoints${k}`], index = data[`meshIndex${k}`], normals = new Float32Array(points.length);
  for (let t = 0; t < index.length; t += 3) {
    const [a, b, c] = [0, 1, 2].map((e) => points.subarray(3 * index[t + e], 3 * index[t + e] + 3));
    const n = cross(sub(b, a), sub(c, a));
    for (let e = 0; e < 3; e++) for (let x = 0; x < 3; x++) normals[3 * index[t + e] + x] += n[x];
  }
  for (let p = 0; p < normals.length; p += 3) normals.set(unit(normals.subarray(p, p + 3)), p);
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  [points, normals].forEach((values, slot) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer()); gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(slot); gl.vertexAttribPointer(slot, 3, gl.FLOAT, false, 12, 0);
  });
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer()); gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, index, gl.STATIC_DRAW);
  return { array, count: index.length, body: m.body };
});
gl.bindVertexArray(null);

const shown = { bones: true, muscles: true, forces: true, torques: true, follow: true };
const eyes = { right: [Math.PI / 2, 0.10], left: [-Math.PI / 2, 0.10], front: [0, 0.10], oblique: [0.95, 0.22] };
const view = { turn: eyes.oblique[0], lift: eyes.oblique[1], distance: 3.9, shift: [0, 0, 0] };

function drawBars(bars, camera, eye, flatten, alpha = 1) {
  if (!bars.count) return;
  gl.useProgram(bar.p);
  gl.uniformMatrix4fv(bar.at("camera"), false, camera); gl.uniform3fv(bar.at("eye"), eye);
  gl.uniform1f(bar.at("flatten"), flatten); gl.uniform1f(bar.at("alpha"), alpha);
  gl.bindVertexArray(barArray);
  gl.bindBuffer(gl.ARRAY_BUFFER, barInstances); gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(bars.values), gl.DYNAMIC_DRAW);
  gl.drawElementsInstanced(gl.TRIANGLES, capsule.index.length, gl.UNSIGNED_SHORT, 0, bars.count);
}
function drawSurfaces(pose, camera, eye, flatten) {
  if (!surfaces.length) return;
  gl.useProgram(mesh.p);
  gl.uniformMatrix4fv(mesh.at("camera"), false, camera); gl.uniform3fv(mesh.at("eye"), eye); gl.uniform3fv(mesh.at("tint"), BONE);
  gl.uniform1f(mesh.at("flatten"), flatten); gl.uniform1f(mesh.at("alpha"), 1);
  for (const s of surfaces) {
    const m = pose.rotation[s.body], p = pose.position[s.body];
    gl.uniformMatrix4fv(mesh.at("body"), false,
      new Float32Array([m[0], m[3], m[6], 0, m[1], m[4], m[7], 0, m[2], m[5], m[8], 0, p[0], p[1], p[2], 1]));
    gl.bindVertexArray(s.array);
    gl.drawElements(gl.TRIANGLES, s.count, gl.UNSIGNED_INT, 0);
  }
}
function draw() {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), w = Math.round(canvas.clientWidth * ratio), h = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const pose = poseAt(player.frame);
  const root = pose.position[facts.root], middle = facts.middle;
  // The picture is centred in what the time bar leaves free.
  const follow = shown.follow ? [root[0], 0.92, root[2]] : middle;
  const target = add(follow, add(view.shift, [0, -0.075 * view.distance, 0]));
  const eye = add(target, [Math.cos(view.turn) * Math.cos(view.lift), Math.sin(view.lift), Math.sin(view.turn) * Math.cos(view.lift)], view.distance);
  eye[1] = Math.max(eye[1], 0.05);
  const camera = multiply(perspective(0.62, w / h, 0.1, 60), lookAt(eye, target));
  const bones = new Bars(), muscles = new Bars(), ghosts = new Bars(), signs = new Bars();
  if (shown.bones) boneBars(pose, bones, ghosts);
  if (shown.muscles) muscleBars(pose, muscles);
  if (shown.forces && data.force) forceBars(pose, signs);
  if (shown.torques) torqueBars(pose, signs);

  gl.viewport(0, 0, w, h); gl.clearColor(0.910, 0.925, 0.941, 1); gl.clearStencil(0);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT | gl.STENCIL_BUFFER_BIT);
  gl.enable(gl.DEPTH_TEST); gl.depthFunc(gl.LEQUAL);
  gl.useProgram(floorProgram.p); gl.bindVertexArray(floorArray);
  gl.uniformMatrix4fv(floorProgram.at("camera"), false, camera); gl.uniform3fv(floorProgram.at("centre"), follow);
  gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  // Shadows: once a pixel, whatever overlaps.
  gl.enable(gl.BLEND); gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA); gl.enable(gl.STENCIL_TEST);
  gl.stencilFunc(gl.EQUAL, 0, 255); gl.stencilOp(gl.KEEP, gl.KEEP, gl.INCR); gl.depthMask(false);
  for (const b of [bones, ghosts, muscles]) drawBars(b, camera, eye, 1);
  if (shown.bones) drawSurfaces(pose, camera, eye, 1);
  gl.disable(gl.STENCIL_TEST); gl.disable(gl.BLEND); gl.depthMask(true);
  for (const b of [bones, muscles, signs]) drawBars(b, camera, eye, 0);
  if (shown.bones) drawSurfaces(pose, camera, eye, 0);
  // Outlines of soft parts: their nearest surface only, so they do not show through each other.
  gl.colorMask(false, false, false, false); drawBars(ghosts, camera, eye, 0);
  gl.colorMask(true, true, true, true); gl.enable(gl.BLEND); drawBars(ghosts, camera, eye, 0, 0.32); gl.disable(gl.BLEND);
  readout(pose);
}

// ---- time -------------------------------------------------------------------------------------------------------------
const player = { frame: 0, playing: true, speed: 1, last: null };
function setFrame(frame) {
  player.frame = Math.max(0, Math.min(N - 1, frame));
  $("time").value = Math.round(player.frame);
}
function setPlaying(on) { player.playing = on; player.last = null; $("play").textContent = on ? "Pause" : "Play"; }
function tick(now) {
  if (player.playing) {
    if (player.last !== null) {
      let frame = player.frame + (now - player.last) / 1000 * player.speed * facts.rate;
      if (frame > N - 1) frame = 0;
      setFrame(frame);
    }
    player.last = now;
  }
  draw(); drawChart();
  document.body.dataset.state = "drawn"; document.body.dataset.frame = player.frame.toFixed(2);
  requestAnimationFrame(tick);
}

// ---- the strip of vertical forces over the slider ----------------------------------------------------------------------
function drawChart() {
  const chart = $("chart"), ratio = Math.min(window.devicePixelRatio || 1, 2), w = chart.clientWidth, h = chart.clientHeight;
  if (chart.width !== Math.round(w * ratio)) { chart.width = Math.round(w * ratio); chart.height = Math.round(h * ratio); }
  const c = chart.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0); c.clearRect(0, 0, w, h);
  const pad = 8, x = (frame) => pad + (w - 2 * pad) * frame / (N - 1), base = h - 4;
  c.strokeStyle = "#d4dae1"; c.beginPath(); c.moveTo(pad, base + 0.5); c.lineTo(w - pad, base + 0.5); c.stroke();
  if (data.force) {
    let top = 1.2 * facts.weight;
    for (let i = 1; i < data.force.length; i += 3) top = Math.max(top, Math.min(data.force[i], 3 * facts.weight));
    const y = (f) => base - (base - 4) * Math.min(Math.max(f, 0), top) / top;
    c.setLineDash([3, 4]); c.beginPath(); c.moveTo(pad, y(facts.weight)); c.lineTo(w - pad, y(facts.weight)); c.stroke(); c.setLineDash([]);
    c.fillStyle = "#5b636d"; c.font = "10.5px system-ui, sans-serif"; c.fillText("1 body weight", pad + 2, y(facts.weight) - 3);
    [["#0b5fa5", 0], ["#c4431b", 1]].forEach(([colour, foot]) => {
      c.beginPath(); c.moveTo(x(0), base);
      for (let i = 0; i < N; i++) c.lineTo(x(i), y(data.force[6 * i + 3 * foot + 1]));
      c.lineTo(x(N - 1), base); c.globalAlpha = 0.10; c.fillStyle = colour; c.fill(); c.globalAlpha = 1;
      c.beginPath();
      for (let i = 0; i < N; i++) c.lineTo(x(i), y(data.force[6 * i + 3 * foot + 1]));
      c.strokeStyle = colour; c.lineWidth = 1.4; c.stroke(); c.lineWidth = 1;
    });
  }
  for (const event of facts.events) {
    if (event.kind !== "heel_strike") continue;
    c.fillStyle = event.side === "r" ? "#0b5fa5" : "#c4431b";
    const at = x(event.frame); c.beginPath(); c.moveTo(at - 4, base + 4); c.lineTo(at + 4, base + 4); c.lineTo(at, base - 3); c.fill();
  }
  c.fillStyle = "#1d2530"; c.fillRect(x(player.frame) - 0.75, 2, 1.5, base - 2);
}

// ---- words and numbers ---------------------------------------------------------------------------------------------------
function readout(pose) {
  const time = facts.start + player.frame / facts.rate;
  $("clock").textContent = `${time.toFixed(2)} s of ${(facts.start + (N - 1) / facts.rate).toFixed(2)} s`;
  const rows = [];
  if (data.force) {
    rows.push("<h2>Vertical force (body weight)</h2>");
    ["right", "left"].forEach((name, foot) => rows.push(
      `<div class="row"><span><span class="key" style="background:var(--${name})"></span>${name}</span><b>${(forceAt(pose, foot)[1] / facts.weight).toFixed(2)}</b></div>`));
  }
  if (facts.torques.length) {
    rows.push("<h2>Device torque (N·m/kg)</h2>");
    facts.torques.forEach((torque, k) => rows.push(
      `<div class="row"><span>${torque.label}</span><b>${(data.torque[pose.i * facts.torques.length + k] / facts.mass).toFixed(2)}</b></div>`));
  }
  const html = rows.join("");
  if ($("numbers").dataset.html !== html) { $("numbers").innerHTML = html; $("numbers").dataset.html = html; }
}
function writeWords() {
  $("kind").textContent = facts.kind; $("kind").classList.toggle("simulated", facts.simulated);
  $("title").textContent = facts.title; $("lead").textContent = facts.lead;
  const stops = [0, 0.25, 0.5, 0.75, 1].map((a) => `rgb(${heat(a).map((x) => Math.round(255 * x)).join(",")})`);
  const key = (colour) => `<span class="key" style="background:rgb(${colour.map((x) => Math.round(255 * x)).join(",")})"></span>`;
  let legend = "<h2>Muscle activation</h2>";
  legend += data.activation ? `<div class="ramp" style="background:linear-gradient(90deg,${stops.join(",")})"></div><div class="ends"><span>0</span><span>0.5</span><span>1</span></div>`
    : `<div>${key(UNKNOWN)}not known in this trial</div>`;
  if (data.activation && facts.partly) legend += `<div>${key(UNKNOWN)}not known</div>`;
  $("legend").innerHTML = legend;
  const names = [["bones", "Bones", true], ["muscles", "Muscles", NM > 0], ["forces", "Ground reaction", !!data.force],
    ["torques", "Device torques", facts.torques.length > 0], ["follow", "Follow the walker", true]];
  for (const [name, label, there] of names) {
    if (!there) continue;
    const box = document.createElement("label"); box.className = "toggle";
    const tint = { forces: FORCE, torques: TORQUE }[name];
    box.innerHTML = `<input type="checkbox" ${shown[name] ? "checked" : ""}> <span>${label}${tint ? " " + key(tint) : ""}</span>`;
    box.querySelector("input").addEventListener("change", (event) => { shown[name] = event.target.checked; });
    $("toggles").append(box);
  }
}

// ---- hands ------------------------------------------------------------------------------------------------------------
$("time").max = N - 1;
$("time").addEventListener("input", (event) => { setPlaying(false); setFrame(Number(event.target.value)); });
$("play").addEventListener("click", () => setPlaying(!player.playing));
$("back").addEventListener("click", () => { setPlaying(false); setFrame(Math.ceil(player.frame) - 1); });
$("next").addEventListener("click", () => { setPlaying(false); setFrame(Math.floor(player.frame) + 1); });
$("speed").addEventListener("change", (event) => { player.speed = Number(event.target.value); });
document.querySelectorAll("[data-view]").forEach((button) => button.addEventListener("click", () => setView(button.dataset.view)));
function setView(name) { [view.turn, view.lift] = eyes[name]; view.shift = [0, 0, 0]; view.distance = 3.9; }
let hand = null;
canvas.addEventListener("pointerdown", (event) => { hand = [event.clientX, event.clientY, event.shiftKey || event.button === 2]; canvas.setPointerCapture(event.pointerId); });
canvas.addEventListener("pointerup", () => { hand = null; });
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
canvas.addEventListener("pointermove", (event) => {
  if (!hand) return;
  const dx = event.clientX - hand[0], dy = event.clientY - hand[1];
  if (hand[2]) {
    const s = view.distance / canvas.clientHeight;
    view.shift = add(view.shift, [Math.sin(view.turn) * dx * s, dy * s, -Math.cos(view.turn) * dx * s]);
  } else {
    view.turn += dx * 0.008; view.lift = Math.max(-0.2, Math.min(1.5, view.lift + dy * 0.006));
  }
  hand[0] = event.clientX; hand[1] = event.clientY;
});
canvas.addEventListener("wheel", (event) => { event.preventDefault(); view.distance = Math.max(0.6, Math.min(14, view.distance * Math.exp(event.deltaY * 0.001))); }, { passive: false });
let scrubbing = false;
const scrub = (event) => { const box = $("chart").getBoundingClientRect(); setPlaying(false); setFrame((event.clientX - box.left - 8) / (box.width - 16) * (N - 1)); };
$("chart").addEventListener("pointerdown", (event) => { scrubbing = true; $("chart").setPointerCapture(event.pointerId); scrub(event); });
$("chart").addEventListener("pointermove", (event) => { if (scrubbing) scrub(event); });
$("chart").addEventListener("pointerup", () => { scrubbing = false; });
window.addEventListener("keydown", (event) => {
  if (["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName)) return;
  if (event.key === " ") { event.preventDefault(); setPlaying(!player.playing); }
  if (event.key === "ArrowLeft") { setPlaying(false); setFrame(Math.ceil(player.frame) - 1); }
  if (event.key === "ArrowRight") { setPlaying(false); setFrame(Math.floor(player.frame) + 1); }
});

// A link may say where to begin: replay.html#t=0.5&view=right&paused
const wish = new URLSearchParams((facts.begin || "") + "&" + location.hash.slice(1));
writeWords();
if (eyes[wish.get("view")]) setView(wish.get("view"));
if (wish.has("t")) setFrame((Number(wish.get("t")) - facts.start) * facts.rate);
setPlaying(!wish.has("paused"));
requestAnimationFrame(tick);
