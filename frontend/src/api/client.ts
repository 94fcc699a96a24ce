/** One way to the server: JSON, the CSRF header, and errors that say what happened. */

export const BASE = "/api/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Readonly<Record<string, readonly string[]>> = {},
    readonly requestId = "",
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The request never got an answer. */
export class UnreachableError extends Error {
  constructor() {
    super("The server cannot be reached. Your work is kept; this page tries again by itself.");
    this.name = "UnreachableError";
  }
}

type Listener = () => void;
const onUnauthorized = new Set<Listener>();

/** Called whenever the server says that nobody is signed in. */
export function whenUnauthorized(listener: Listener): () => void {
  onUnauthorized.add(listener);
  return () => onUnauthorized.delete(listener);
}

export function csrfToken(): string {
  return /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? "";
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return text === "" ? path : `${path}?${text}`;
}

interface RequestOptions {
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly keepalive?: boolean;
  /** The outbox and the sign-in form deal with a missing session themselves. */
  readonly quiet?: boolean;
}

export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      credentials: "same-origin",
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.keepalive === undefined ? {} : { keepalive: options.keepalive }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new UnreachableError();
  }
  if (response.status === 401 && !options.quiet) for (const listener of onUnauthorized) listener();
  const text = await response.text();
  if (!response.ok) throw errorOf(response.status, text);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

export function errorOf(status: number, text: string): ApiError {
  try {
    const { code, message, fields, request_id } = JSON.parse(text);
    return new ApiError(status, String(code), String(message), fields ?? {}, request_id ?? "");
  } catch {
    return new ApiError(status, "unknown", `The server answered ${status} and did not say why.`);
  }
}

/** Multipart with progress: the one thing fetch cannot do. */
export function upload<T>(path: string, form: FormData, onBytes: (sent: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", BASE + path);
    xhr.setRequestHeader("X-CSRFToken", csrfToken());
    xhr.setRequestHeader("Accept", "application/json");
    xhr.upload.onprogress = (event) => onBytes(event.loaded);
    xhr.onerror = () => reject(new UnreachableError());
    xhr.onload = () => {
      if (xhr.status === 401) for (const listener of onUnauthorized) listener();
      if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText) as T);
      else reject(errorOf(xhr.status, xhr.responseText));
    };
    xhr.send(form);
  });
}

/** Worth another try: no answer, too many requests, or a server in trouble. */
export function isPassing(error: unknown): boolean {
  if (error instanceof UnreachableError) return true;
  return error instanceof ApiError && (error.status >= 500 || error.status === 408 || error.status === 429);
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
