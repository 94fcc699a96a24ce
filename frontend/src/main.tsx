import { render } from "preact";
import { App } from "@/app/App";
import { applyTheme } from "@/app/theme";
import "@/styles/tokens.css";
import "@/styles/base.css";

applyTheme();
const root = document.getElementById("app");
if (root) render(<App />, root);
