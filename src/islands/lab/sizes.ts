/** Sizes of the panels in CSS pixels, as the reader left them. */
export interface Sizes {
  /** Width of read and edit. */
  do: number;
  /** Width of why. */
  why: number;
  /** Height of the dock; 0: its share of the window. */
  dock: number;
  /** Height of the text; 0: as much as it needs. */
  read: number;
}

export const startSizes: Sizes = { do: 424, why: 372, dock: 0, read: 0 };

/** What was kept, with anything that is not a sensible number replaced. */
export function readSizes(text: string | null): Sizes {
  if (text === null) return startSizes;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Kept by something else under our name: begin anew.
    return startSizes;
  }
  if (typeof value !== 'object' || value === null) return startSizes;
  const kept = value as Partial<Record<keyof Sizes, unknown>>;
  const number = (name: keyof Sizes): number => {
    const size = kept[name];
    return typeof size === 'number' && size >= 0 && size <= 2000 ? size : startSizes[name];
  };
  return { do: number('do'), why: number('why'), dock: number('dock'), read: number('read') };
}
