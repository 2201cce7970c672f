/** What this browser remembers of the course besides the cards: answers, forecasts, texts. Never leaves the browser. */
export interface Progress {
  /** By question: which option was chosen last. */
  readonly answers: Readonly<Record<string, number>>;
  readonly forecasts: Readonly<Record<string, number>>;
  readonly texts: Readonly<Record<string, string>>;
  /** Marks of a self-check: one number for each point. */
  readonly marks: Readonly<Record<string, readonly number[]>>;
  /** The day that was opened last, and when. */
  readonly lastDay?: { readonly day: number; readonly atMs: number };
}

const key = 'meshwork-course';
const nothing: Progress = { answers: {}, forecasts: {}, texts: {}, marks: {} };

/** Empty when nothing is kept, or when the browser keeps nothing. */
export function loadProgress(): Progress {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...nothing, ...kept } : nothing;
  } catch (error) {
    console.info('Progress is not kept here.', error);
    return nothing;
  }
}

/** Forgets all that this site keeps in the browser's storage, drafts of labs as well. Only the theme, a matter of the eyes, stays. */
export function forgetKept(): void {
  try {
    const own = Object.keys(localStorage).filter((name) => /^meshwork[.-]/.test(name) && name !== 'meshwork-theme');
    for (const name of own) localStorage.removeItem(name);
  } catch (error) {
    console.info('Nothing is kept here.', error);
  }
}

/** Changes one part of what is kept; other parts stay as they are. */
export function changeProgress(change: (progress: Progress) => Progress): void {
  try {
    localStorage.setItem(key, JSON.stringify(change(loadProgress())));
  } catch (error) {
    console.info('Progress is not kept here.', error);
  }
}
