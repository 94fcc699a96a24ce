import { type Camera, EXTENT } from "@/core/map";

/**
 * Points on a canvas through WebGL 2, some 60 lines instead of a library: those that draw this many points compile
 * code at run time, which our content security policy forbids (docs/decisions/0047-a-map-without-a-library.md).
 */

const VERTEX = `#version 300 es
in vec2 place;
in vec4 color;
uniform vec2 middle;
uniform vec2 scale;
uniform float size;
out vec4 shade;
void main() {
  vec2 at = (place - middle) * scale;
  gl_Position = vec4(at.x, -at.y, 0.0, 1.0);
  gl_PointSize = size * (color.a > 0.99 ? 1.25 : 1.0);
  shade = color;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade;
out vec4 pixel;
void main() {
  float far = length(gl_PointCoord - 0.5);
  float alpha = shade.a * (1.0 - smoothstep(0.38, 0.5, far));
  pixel = vec4(shade.rgb * alpha, alpha);
}`;

export interface Painter {
  places(places: Uint16Array): void;
  /** Red, green, blue and opacity, four bytes a point. */
  colors(colors: Uint8Array): void;
  draw(camera: Camera, size: number): void;
  close(): void;
}

/** Null where the browser has no WebGL 2. */
export function painterOf(canvas: HTMLCanvasElement): Painter | null {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
  if (!gl) return null;
  const program = linked(gl);
  const buffers = { place: gl.createBuffer(), color: gl.createBuffer() };
  let count = 0;
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const fill = (name: "place" | "color", data: Uint16Array | Uint8Array, width: number, type: number): void => {
    const at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, width, type, true, 0, 0);
  };
  const uniform = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
  const [middle, scale, sizeAt] = [uniform("middle"), uniform("scale"), uniform("size")];
  return {
    places(places) {
      count = places.length / 2;
      fill("place", places, 2, gl.UNSIGNED_SHORT);
    },
    colors: (colors) => fill("color", colors, 4, gl.UNSIGNED_BYTE),
    draw(camera, size) {
      const { width, height } = canvas;
      gl.viewport(0, 0, width, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(middle, camera.x / EXTENT, camera.y / EXTENT);
      gl.uniform2f(scale, (2 * camera.side) / width, (2 * camera.side) / height);
      gl.uniform1f(sizeAt, size);
      if (count > 0) gl.drawArrays(gl.POINTS, 0, count);
    },
    close() {
      for (const buffer of Object.values(buffers)) gl.deleteBuffer(buffer);
      gl.deleteProgram(program);
    },
  };
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type) as WebGLShader;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "no program");
  return program;
}
