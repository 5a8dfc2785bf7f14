// Drawing, time, words and hands of the replay page; what stands where at a time comes from walk.js.

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
  $("time").value = player.frame;
}
function setPlaying(on) { player.playing = on; player.last = null; $("play").textContent = on ? "Pause" : "Play"; }
// What is on the screen: a picture that would not change is not drawn again, so that a page that waits costs nothing.
let onScreen = "";
function tick(now) {
  if (player.playing) {
    if (player.last !== null) {
      let frame = player.frame + (now - player.last) / 1000 * player.speed * facts.rate;
      if (frame > N - 1) frame = 0;
      setFrame(frame);
    }
    player.last = now;
  }
  const wanted = JSON.stringify([player.frame, view, shown, canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio]);
  if (wanted !== onScreen) { draw(); drawChart(); onScreen = wanted; }
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
