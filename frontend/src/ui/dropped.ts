/** Files out of a drop or a picker, with the folders they lay in. */

export interface FoundFile {
  readonly path: string;
  readonly file: File;
}

const HIDDEN = /(^|\/)(\.|__MACOSX|Thumbs\.db|desktop\.ini)/;
export const isArchive = (path: string): boolean => /\.(zip|tar|tar\.gz|tgz)$/i.test(path);

export async function filesDropped(transfer: DataTransfer): Promise<FoundFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  const found = await Promise.all(entries.map(entryFiles));
  return visible(found.flat());
}

export function filesPicked(files: FileList): FoundFile[] {
  return visible([...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

const visible = (files: FoundFile[]): FoundFile[] => files.filter(({ path }) => !HIDDEN.test(path));

async function entryFiles(entry: FileSystemEntry): Promise<FoundFile[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    // The browser hands a folder out in portions of a hundred until it hands out none.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) break;
    children.push(...portion);
  }
  const found: FoundFile[] = [];
  for (const child of children) found.push(...(await entryFiles(child)));
  return found;
}
