import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// The server delivers the build under /static/; in development its API is reached through the proxy.
const server = process.env.WINNOW_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/static/",
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox121", "safari17.5"], // light-dark() stays as written
    assetsInlineLimit: 0, // the content security policy admits no inline script or style
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": server, "/admin": server } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
