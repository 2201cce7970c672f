import type * as monaco from 'monaco-editor/editor';

/** Resolves a token of the page to `#rrggbb` or `#rrggbbaa`, the only form that Monaco reads. */
function token(styles: CSSStyleDeclaration, name: string): string {
  const canvas = document.createElement('canvas').getContext('2d');
  if (!canvas) return '#808080';
  canvas.fillStyle = styles.getPropertyValue(name).trim();
  return canvas.fillStyle;
}

/** The editor's theme from the page's tokens: keys in ink, values in blue, comments dim; nothing else is coloured. */
export function themeFromTokens(dark: boolean): monaco.editor.IStandaloneThemeData {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name: string): string => token(styles, name);
  const bare = (name: string): string => colour(name).slice(1);
  return {
    base: dark ? 'vs-dark' : 'vs',
    inherit: true,
    rules: [
      { token: '', foreground: bare('--ink') },
      { token: 'type', foreground: bare('--ink-2') },
      { token: 'key', foreground: bare('--ink-2') },
      { token: 'string', foreground: bare('--hand') },
      { token: 'keyword', foreground: bare('--hand') },
      { token: 'number', foreground: bare('--hand'), fontStyle: 'bold' },
      { token: 'comment', foreground: bare('--ink-3'), fontStyle: 'italic' },
      { token: 'operators', foreground: bare('--ink-3') },
      { token: 'delimiter', foreground: bare('--ink-2') },
      { token: 'delimiter.bracket', foreground: bare('--ink-2') },
      { token: 'delimiter.square', foreground: bare('--ink-2') },
      { token: 'tag', foreground: bare('--ink-2') },
      { token: 'namespace', foreground: bare('--ink-2') },
    ],
    colors: {
      'editor.background': colour('--raised'),
      'editor.foreground': colour('--ink'),
      'editorLineNumber.foreground': colour('--ink-3'),
      'editorLineNumber.activeForeground': colour('--ink'),
      'editorCursor.foreground': colour('--ink'),
      'editor.selectionBackground': colour('--hand-edge'),
      'editor.lineHighlightBackground': colour('--sunken'),
      'editor.lineHighlightBorder': colour('--sunken'),
      'editorIndentGuide.background1': colour('--line'),
      'editorIndentGuide.activeBackground1': colour('--line-strong'),
      'editorBracketHighlight.foreground1': colour('--ink-2'),
      'editorBracketHighlight.foreground2': colour('--ink-2'),
      'editorBracketHighlight.foreground3': colour('--ink-2'),
      'editorError.foreground': colour('--error'),
      'editorWarning.foreground': colour('--slow-fill'),
      'editorInfo.foreground': colour('--hand'),
      'editorOverviewRuler.border': colour('--line'),
      'editorWidget.background': colour('--surface'),
      'editorWidget.border': colour('--line-strong'),
      'editorHoverWidget.background': colour('--surface'),
      'editorSuggestWidget.background': colour('--surface'),
      'editorSuggestWidget.selectedBackground': colour('--hand-wash'),
      'editorSuggestWidget.selectedForeground': colour('--ink'),
      'editorSuggestWidget.highlightForeground': colour('--hand'),
      focusBorder: colour('--hand'),
    },
  };
}

/** A token's colour for marks in the overview rail. */
export function railColour(name: '--hand' | '--error'): string {
  return token(getComputedStyle(document.documentElement), name);
}
