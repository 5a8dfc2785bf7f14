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
