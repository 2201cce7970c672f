import { type KeyboardEvent, useRef, useState } from 'react';
import type { LineNote } from './caught.ts';
import type { LitLines } from './lit-lines.ts';

const LINE_PX = 20;
const PAD_PX = 4;

interface PlainEditorProps {
  file: string;
  text: string;
  readOnly: boolean;
  lit: readonly LitLines[];
  /** How many requests each line caught. */
  notes: readonly LineNote[];
  /** Scroll to this line; a new object scrolls again. */
  goTo: { line: number } | undefined;
  onEdit: (text: string) => void;
  onApply: () => void;
  /** The cursor stands in this line. */
  onMove: (line: number) => void;
  /** Alt with Enter. */
  onAsk: (line: number) => void;
}

/** The editor as a plain text field: for phones, for screen readers, and when Monaco cannot load. Tab leaves it. */
export function PlainEditor(props: PlainEditorProps) {
  const { file, text, readOnly, lit, notes, goTo } = props;
  const [scrollTop, setScrollTop] = useState(0);
  /** The line in which one writes: no note lies on its end. */
  const [at, setAt] = useState(0);
  const gone = useRef<object | undefined>(undefined);
  const field = useRef<HTMLTextAreaElement>(null);
  if (goTo && gone.current !== goTo && field.current) {
    gone.current = goTo;
    revealLine(field.current, goTo.line);
  }
  const lineNow = (): number => {
    const { value = '', selectionStart = 0 } = field.current ?? {};
    return value.slice(0, selectionStart).split('\n').length;
  };
  const move = (): void => {
    const line = lineNow();
    setAt(document.activeElement === field.current ? line : 0);
    props.onMove(line);
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey || event.altKey)) return;
    event.preventDefault();
    if (event.altKey) props.onAsk(lineNow());
    else props.onApply();
  };
  const lines = text.split('\n');
  return (
    <div className="plain">
      <div className="behind" aria-hidden="true">
        {lit.map((one) => (
          <span
            key={`${one.line} ${one.endLine} ${one.stop}`}
            className={one.stop ? 'line-lit-end' : 'line-lit'}
            style={{
              top: PAD_PX + (one.line - 1) * LINE_PX - scrollTop,
              height: (one.endLine - one.line + 1) * LINE_PX,
            }}
          />
        ))}
        <span className="numbers" style={{ top: PAD_PX - scrollTop }}>
          {lines.map((_, index) => `${index + 1}\n`).join('')}
        </span>
      </div>
      <textarea
        ref={field}
        aria-label={`${file}, as plain text`}
        value={text}
        readOnly={readOnly}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        wrap="off"
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        onChange={(event) => props.onEdit(event.target.value)}
        onKeyDown={key}
        onSelect={move}
        onBlur={() => setAt(0)}
      />
      <div className="before" aria-hidden="true">
        {notes
          .filter(({ line }) => line !== at)
          .map((note) => (
            <span
              key={note.line}
              className={note.stop ? 'plain-note stop' : 'plain-note'}
              style={{ top: PAD_PX + (note.line - 1) * LINE_PX - scrollTop }}
            >
              {note.text}
            </span>
          ))}
      </div>
    </div>
  );
}

function revealLine(field: HTMLTextAreaElement, line: number): void {
  const before = field.value
    .split('\n')
    .slice(0, line - 1)
    .join('\n').length;
  const start = line > 1 ? before + 1 : 0;
  const end = field.value.indexOf('\n', start);
  field.focus();
  field.setSelectionRange(start, end === -1 ? field.value.length : end);
  field.scrollTop = Math.max(0, (line - 4) * LINE_PX);
}
