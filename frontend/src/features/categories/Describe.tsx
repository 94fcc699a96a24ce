import { useEffect, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { ApiError, messageOf } from "@/api/client";
import { categories as endpoint } from "@/api/endpoints";
import { touched } from "@/api/events";
import { useProject } from "@/api/shared";
import type { PulledImage, TriedMethod, TriedWords } from "@/api/types";
import { plural, probability } from "@/core/format";
import { mayOwn } from "@/core/roles";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { Empty } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { METHOD_NAMES, reliability } from "./WordsMark";
import "./describe.css";

const PAUSE_MS = 350;

interface Attempt {
  readonly tried: TriedWords | null;
  readonly note: string;
  readonly busy: boolean;
}

/** A category that is not there yet: write what it looks like, and see at once which images it would pull. */
export default function Describe() {
  const { params } = useRoute();
  const project = Number(params.id);
  const role = useProject(project).data?.role;
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const { tried, note, busy } = useAttempt(project, name.trim(), text.trim());
  useEffect(() => {
    document.title = "New category · Winnow";
  }, []);
  if (role !== undefined && !mayOwn(role)) return <Empty title="Only owners add categories" />;
  return (
    <div class="page">
      <div class="page-head">
        <div>
          <h1>Describe a new category</h1>
          <p>Not one example is needed: write what it looks like, and see which images it would pull.</p>
        </div>
      </div>
      <Form project={project} name={name} text={text} onName={setName} onText={setText} notes={tried?.notes ?? []} />
      <p class="small muted describe-state" role="status" aria-live="polite">
        {note || (busy ? "Looking through the images…" : "")}
      </p>
      {tried && (
        <div class={`describe-methods${busy ? " describe-stale" : ""}`}>
          {tried.methods.map((one) => (
            <Method key={one.method} project={project} one={one} best={one.method === tried.best} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Asks after a short pause in typing; an answer to older words is dropped. */
function useAttempt(project: number, name: string, text: string): Attempt {
  const [attempt, setAttempt] = useState<Attempt>({ tried: null, note: "", busy: false });
  useEffect(() => {
    if (name === "" && text === "") {
      setAttempt({ tried: null, note: "", busy: false });
      return;
    }
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      setAttempt((before) => ({ ...before, busy: true }));
      try {
        const tried = await endpoint.attempt(project, name, text, controller.signal);
        setAttempt({ tried, note: "", busy: false });
      } catch (error) {
        if (controller.signal.aborted) return;
        const asleep = error instanceof ApiError && error.code === "no_worker";
        const note = asleep ? "No worker is running that could read it now." : messageOf(error);
        setAttempt({ tried: null, note, busy: false });
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [project, name, text]);
  return attempt;
}

interface FormProps {
  project: number;
  name: string;
  text: string;
  onName: (name: string) => void;
  onText: (text: string) => void;
  notes: readonly string[];
}

function Form({ project, name, text, onName, onText, notes }: FormProps) {
  const { route } = useLocation();
  const [error, setError] = useState("");
  const add = async (): Promise<void> => {
    const sentence = text.trim();
    try {
      await endpoint.create(project, {
        name: name.trim(),
        descriptions: sentence === "" ? [] : [{ kind: "sentence", text: sentence.slice(0, 2000) }],
      });
      touched("taxonomy");
      toast(`${name.trim()} added; predictions follow in a few seconds`);
      route(`/p/${project}/categories`);
    } catch (problem) {
      setError(messageOf(problem));
    }
  };
  return (
    <form
      class="describe-form"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <Field label="Name" value={name} onInput={onName} focus autocomplete="off" maxLength={200} />
      <label class="field">
        <span>What it looks like</span>
        <textarea
          class="input"
          rows={3}
          maxLength={10_000}
          value={text}
          placeholder="like a longhorn, but without stripes, and with a red collar"
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </label>
      {notes.map((line) => (
        <p key={line} class="small describe-note">
          {line}
        </p>
      ))}
      {error && (
        <p class="small danger" role="alert">
          {error}
        </p>
      )}
      <div class="row">
        <Button kind="primary" type="submit" disabled={name.trim() === ""}>
          Add this category
        </Button>
        <a class="small" href={`/p/${project}/categories`}>
          Back to all categories
        </a>
      </div>
    </form>
  );
}

function Method({ project, one, best }: { project: number; one: TriedMethod; best: boolean }) {
  return (
    <section class={`describe-method${best ? " describe-best" : ""}`} aria-label={METHOD_NAMES[one.method]}>
      <h2>
        {METHOD_NAMES[one.method]} {best && <span class="words-mark">would be used</span>}
      </h2>
      <p class="small muted">
        Would take {plural(one.taken, "image")}. {reliability(one.measured)}
      </p>
      <h3>Surest</h3>
      <Images project={project} images={one.top} />
      <h3>On the border</h3>
      <Images project={project} images={one.border} />
    </section>
  );
}

function Images({ project, images }: { project: number; images: readonly PulledImage[] }) {
  return (
    <ul class="describe-images">
      {images.map((image) => (
        <li key={image.id}>
          <a href={`/p/${project}/images?view=${image.id}`} title={image.name}>
            <img src={image.thumb} alt={image.name} width="72" height="72" loading="lazy" />
            <span class="describe-chance">{probability(image.probability)}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
