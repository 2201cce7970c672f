import type { AppliedFile } from './files.ts';

/** Where text waits in the browser until the lab server has it, so that nothing is lost while the server is away. */
export interface Drafts {
  read(lab: string): AppliedFile[];
  /** False when the browser has no room for it. */
  write(lab: string, files: readonly AppliedFile[]): boolean;
  clear(lab: string): void;
}

function isFile(one: unknown): one is AppliedFile {
  return (
    typeof one === 'object' &&
    one !== null &&
    'file' in one &&
    'text' in one &&
    typeof one.file === 'string' &&
    typeof one.text === 'string'
  );
}

/** Drafts in the browser's own storage; a browser that forbids it keeps none. */
export function storedDrafts(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>): Drafts {
  const key = (lab: string): string => `meshwork.draft.${lab}`;
  return {
    read: (lab) => {
      const text = storage.getItem(key(lab));
      if (text === null) return [];
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value.filter(isFile) : [];
    },
    write: (lab, files) => {
      try {
        storage.setItem(key(lab), JSON.stringify(files));
        return true;
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        return false;
      }
    },
    clear: (lab) => storage.removeItem(key(lab)),
  };
}
