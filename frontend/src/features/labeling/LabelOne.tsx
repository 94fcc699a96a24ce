import { useEffect, useState } from "preact/hooks";
import { useRoute } from "preact-iso";
import { useProject, useTaxonomy } from "@/api/shared";
import type { Category, LeasedItem } from "@/api/types";
import type { Command } from "@/core/commands";
import type { Desk, Input } from "@/core/desk";
import { mayAnnotate } from "@/core/roles";
import { useCommands } from "@/ui/commands";
import { Failed } from "@/ui/States";
import { NothingToLabel } from "./NothingToLabel";
import { Side } from "./Side";
import { Stage } from "./Stage";
import { useDesk } from "./useDesk";
import "./labeling.css";

export const RECENT_KEYS = ["Q", "W", "E", "R", "T"] as const;

type Mode = "look" | "type" | "comment";

export default function LabelOne() {
  const { params } = useRoute();
  const project = Number(params.id);
  const { data } = useProject(project);
  const name = data?.name;
  useEffect(() => {
    if (name) document.title = `Label · ${name} · Winnow`;
  }, [name]);
  if (data && !mayAnnotate(data.role)) return <NothingToLabel project={project} reason="viewer" />;
  return data ? <Labeling key={project} project={project} /> : null;
}

function Labeling({ project }: { project: number }) {
  const taxonomy = useTaxonomy(project);
  const { desk, pictures } = useDesk(project);
  const [mode, setMode] = useState<Mode>("look");
  const [zoomed, setZoomed] = useState(false);
  const item = desk.queue.current?.leased;

  const give = (category: number, input: Input): void => {
    setMode("look");
    desk.label(category, input);
  };
  useCommands("label", commandsOf({ desk, item, byId: taxonomy.byId, give, setMode, setZoomed }));

  if (taxonomy.loaded && taxonomy.active.length === 0)
    return <NothingToLabel project={project} reason="no_categories" />;
  if (taxonomy.error && !taxonomy.loaded) return <Failed error={taxonomy.error} onRetry={taxonomy.reload} />;
  if (desk.queue.state === "failed" && desk.queue.error) {
    return (
      <div class="page">
        <Failed error={desk.queue.error} onRetry={() => void desk.queue.fill()} />
      </div>
    );
  }
  if (item === undefined) {
    return <NothingToLabel project={project} reason={desk.queue.emptyReason ?? "loading"} desk={desk} />;
  }
  return (
    <div class="labeling">
      <h1 class="visually-hidden">Label one image</h1>
      <Stage item={item} pictures={pictures} zoomed={zoomed} setZoomed={setZoomed} />
      <Side desk={desk} item={item} taxonomy={taxonomy} mode={mode} setMode={setMode} give={give} />
    </div>
  );
}

interface CommandContext {
  desk: Desk<LeasedItem>;
  item: LeasedItem | undefined;
  byId: ReadonlyMap<number, Category>;
  give: (category: number, input: Input) => void;
  setMode: (mode: Mode) => void;
  setZoomed: (zoomed: boolean) => void;
}

function commandsOf({ desk, item, byId, give, setMode, setZoomed }: CommandContext): Command[] {
  const here = () => item !== undefined;
  const parent = parentOfFirst(item, byId);
  const last = desk.recent[0];
  return [
    ...[0, 1, 2, 3, 4].map((at) => ({
      id: `label.suggestion${at + 1}`,
      title: `Take suggestion ${at + 1}`,
      category: "Give a category",
      keys: at === 0 ? ["1", "Enter"] : [String(at + 1)],
      when: () => item?.suggestions[at] !== undefined,
      run: () => give(item?.suggestions[at]?.category ?? 0, "digit"),
    })),
    {
      id: "label.type",
      title: "Type any category",
      category: "Give a category",
      keys: ["/"],
      when: here,
      run: () => setMode("type"),
    },
    {
      id: "label.same",
      title: "Same as the last one",
      category: "Give a category",
      keys: ["="],
      when: () => here() && last !== undefined,
      run: () => last !== undefined && give(last, "same"),
    },
    {
      id: "label.parent",
      title: "Label at the parent of the first suggestion",
      category: "Give a category",
      keys: ["ArrowUp"],
      when: () => parent !== undefined,
      run: () => parent && give(parent.id, "digit"),
    },
    ...RECENT_KEYS.map((key, at) => ({
      id: `label.recent${at + 1}`,
      title: `Take recent category ${at + 1}`,
      category: "Give a category",
      keys: [key],
      when: () => here() && desk.recent[at] !== undefined,
      run: () => give(desk.recent[at] ?? 0, "digit"),
    })),
    { id: "label.skip", title: "Skip", category: "Instead", keys: ["X"], when: here, run: () => desk.skip() },
    { id: "label.flag", title: "Flag", category: "Instead", keys: ["F"], when: here, run: () => desk.flag() },
    {
      id: "label.comment",
      title: "Flag with a comment",
      category: "Instead",
      keys: ["C"],
      when: here,
      run: () => setMode("comment"),
    },
    {
      id: "label.undo",
      title: "Undo",
      category: "Back and forth",
      keys: ["U", "Ctrl+Z"],
      when: () => desk.canUndo,
      run: () => desk.undo(),
    },
    {
      id: "label.redo",
      title: "Redo",
      category: "Back and forth",
      keys: ["Ctrl+Shift+Z"],
      when: () => desk.canRedo,
      run: () => desk.redo(),
    },
    {
      id: "label.previous",
      title: "Previous image",
      category: "Back and forth",
      keys: ["ArrowLeft"],
      run: () => desk.queue.previous(),
    },
    {
      id: "label.next",
      title: "Next image",
      category: "Back and forth",
      keys: ["ArrowRight"],
      run: () => desk.queue.next(),
    },
    {
      id: "label.zoom",
      title: "Zoom while held",
      category: "Look",
      keys: ["Z"],
      when: here,
      run: () => setZoomed(true),
      release: () => setZoomed(false),
    },
  ];
}

export function parentOfFirst(item: LeasedItem | undefined, byId: ReadonlyMap<number, Category>): Category | undefined {
  const first = byId.get(item?.suggestions[0]?.category ?? 0);
  return byId.get(first?.parent ?? 0);
}
