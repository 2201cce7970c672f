export interface Bounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** One thing that a batch was judged by. */
export interface Judged {
  readonly met: boolean;
  /** What is recorded later cannot meet it any more. */
  readonly final: boolean;
  readonly text: string;
}

/** `late`: what is counted may be recorded a moment after the answers. */
export function judge(
  { min = 0, max = Number.POSITIVE_INFINITY }: Bounds,
  seen: number,
  how: { readonly late: boolean; readonly text: string },
): Judged {
  const met = seen >= min && seen <= max;
  return { met, final: !met && (!how.late || seen >= min), text: how.text };
}
