/** Where drafts go: the browser's storage as it is, so that a write that it refuses is known. */
export function draftStorage(): Kept {
  try {
    return localStorage;
  } catch (error) {
    console.info('This browser keeps nothing between visits.', error);
    const refuse = (): never => {
      throw new DOMException('No storage is allowed here.', 'QuotaExceededError');
    };
    return { getItem: () => null, setItem: refuse, removeItem: () => undefined };
  }
}

type Kept = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** The browser's storage, or one that lasts as long as the page where the browser forbids it. */
export function safeStorage(): Kept {
  try {
    const probe = 'meshwork.probe';
    localStorage.setItem(probe, '1');
    localStorage.removeItem(probe);
    return localStorage;
  } catch (error) {
    console.info('This browser keeps nothing between visits.', error);
    const memory = new Map<string, string>();
    return {
      getItem: (key) => memory.get(key) ?? null,
      setItem: (key, value) => void memory.set(key, value),
      removeItem: (key) => void memory.delete(key),
    };
  }
}
