/** The theme of the page: `data-theme` on the root element. Editor, terminal and map watch it with `onTheme`. */
export type Theme = 'light' | 'dark' | 'contrast';

const key = 'meshwork-theme';
const themes: readonly string[] = ['light', 'dark', 'contrast'];

function systemTheme(): Theme {
  if (matchMedia('(prefers-contrast: more)').matches) return 'contrast';
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

function isTheme(value: string | null): value is Theme {
  return value !== null && themes.includes(value);
}

/** What the reader chose, `system` when nothing was chosen or the browser keeps nothing. */
export function chosenTheme(): Theme | 'system' {
  const kept = readKept();
  return isTheme(kept) ? kept : 'system';
}

/** Applies a theme at once and remembers it; any other word means: follow the system. */
export function chooseTheme(value: string): void {
  const theme = isTheme(value) ? value : undefined;
  document.documentElement.dataset['theme'] = theme ?? systemTheme();
  keep(theme);
}

/** Follows the system's changes while nothing is chosen. */
export function followSystem(): void {
  for (const query of ['(prefers-contrast: more)', '(prefers-color-scheme: dark)']) {
    matchMedia(query).addEventListener('change', () => {
      if (chosenTheme() === 'system') document.documentElement.dataset['theme'] = systemTheme();
    });
  }
}

/** The theme in force now. */
export function currentTheme(): Theme {
  const value = document.documentElement.dataset['theme'] ?? null;
  return isTheme(value) ? value : 'light';
}

/** Calls back on each change of theme; answers a function that ends it. */
export function onTheme(changed: (theme: Theme) => void): () => void {
  const observer = new MutationObserver(() => changed(currentTheme()));
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}

// Storage can be switched off in the browser; the theme then lasts as long as the page.
function readKept(): string | null {
  try {
    return localStorage.getItem(key);
  } catch (error) {
    console.info('The theme is not remembered here.', error);
    return null;
  }
}

function keep(theme: Theme | undefined): void {
  try {
    if (theme) localStorage.setItem(key, theme);
    else localStorage.removeItem(key);
  } catch (error) {
    console.info('The theme is not remembered here.', error);
  }
}
