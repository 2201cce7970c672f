/** Of what scrolls by itself: the keyboard must reach it, and a reader must hear what it is. */
export const scrolled = (label: string) => ({ tabIndex: 0, role: 'region', 'aria-label': label }) as const;
