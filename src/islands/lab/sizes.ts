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

/** Until the reader moves a border. Beside the map and the evidence, both sides give way where the window has little to share. */
export const startSizes = (windowWidth: number): Sizes =>
  windowWidth > 1360 ? { do: 424, why: 372, dock: 0, read: 0 } : { do: 384, why: 332, dock: 0, read: 0 };

/** What was kept, with anything that is not a sensible number replaced. */
export function readSizes(text: string | null, start: Sizes): Sizes {
  if (text === null) return start;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Kept by something else under our name: begin anew.
    return start;
  }
  if (typeof value !== 'object' || value === null) return start;
  const kept = value as Partial<Record<keyof Sizes, unknown>>;
  const number = (name: keyof Sizes): number => {
    const size = kept[name];
    return typeof size === 'number' && size >= 0 && size <= 2000 ? size : start[name];
  };
  return { do: number('do'), why: number('why'), dock: number('dock'), read: number('read') };
}
