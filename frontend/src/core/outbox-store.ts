/** Where unsent work waits: a table on the person's own machine that outlives the page. */

export interface Pending {
  /** Client UUID: the same event may be sent twice and counts once. */
  readonly id: string;
  /** Whose work it is; another person who signs in on this browser never sends it. */
  readonly user: number;
  /** PUT where nothing else is said. */
  readonly method?: "PUT" | "POST";
  readonly path: string;
  readonly body: unknown;
  readonly at: string;
  /** Set when the server refused it for good: kept and shown, never dropped in silence. */
  readonly refused?: string;
}

export interface PendingStore {
  all(): Promise<Pending[]>;
  put(pending: Pending): Promise<void>;
  remove(id: string): Promise<void>;
}

const DATABASE = "winnow";
const TABLE = "outbox";

/** Rows come back in the order in which they were first written. */
export class IndexedDbStore implements PendingStore {
  #database: Promise<IDBDatabase> | null = null;

  constructor(private readonly factory: IDBFactory = indexedDB) {}

  async all(): Promise<Pending[]> {
    const rows = await this.#run<{ value: Pending }[]>("readonly", (table) => table.getAll());
    return rows.map((row) => row.value);
  }

  async put(pending: Pending): Promise<void> {
    const key = await this.#run<IDBValidKey | undefined>("readonly", (table) => table.index("id").getKey(pending.id));
    const row = { id: pending.id, value: pending };
    await this.#run("readwrite", (table) => (key === undefined ? table.add(row) : table.put({ ...row, order: key })));
  }

  async remove(id: string): Promise<void> {
    const key = await this.#run<IDBValidKey | undefined>("readonly", (table) => table.index("id").getKey(id));
    if (key !== undefined) await this.#run("readwrite", (table) => table.delete(key));
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= new Promise((resolve, reject) => {
      const request = this.factory.open(DATABASE, 1);
      request.onupgradeneeded = () => {
        const table = request.result.createObjectStore(TABLE, { keyPath: "order", autoIncrement: true });
        table.createIndex("id", "id", { unique: true });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return this.#database;
  }

  async #run<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => IDBRequest): Promise<T> {
    const database = await this.#open();
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode);
      const request = act(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result as T);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}
