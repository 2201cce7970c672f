import { useMemo, useRef, useState } from 'react';
import type { Dialogue } from '../../course/exercises.ts';
import { addEntry } from '../cards/add-entry.ts';
import { Icon } from '../cards/icon.tsx';
import { judgeGap, piecesOf } from './gaps.ts';

/** A dialogue with gaps to type into; a second look shows the words. */
export default function DialogueGaps({ exercise }: { exercise: Dialogue }) {
  const lines = useMemo(
    () => exercise.lines.map(({ who, says }, index) => ({ who, pieces: piecesOf(says, index) })),
    [exercise],
  );
  const gaps = lines.flatMap(({ pieces }) => pieces.flatMap((piece) => ('gap' in piece ? [piece] : [])));
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const [checked, setChecked] = useState(false);
  const [open, setOpen] = useState(false);
  const result = useRef<HTMLParagraphElement>(null);
  const verdictOf = (piece: (typeof gaps)[number]) => judgeGap(piece.gap, typed[piece.id] ?? '');
  const right = gaps.filter((piece) => verdictOf(piece) !== 'wrong').length;
  const check = () => {
    setChecked(true);
    void addEntry({
      kind: 'exercise',
      exercise: `dialogue:${exercise.id}`,
      score: right,
      of: gaps.length,
      passed: right === gaps.length,
    });
    requestAnimationFrame(() => result.current?.focus());
  };
  return (
    <form
      className="dialogue"
      onSubmit={(event) => {
        event.preventDefault();
        check();
      }}
    >
      <dl>
        {lines.map(({ who, pieces }, line) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a dialogue never change.
          <div key={line}>
            <dt>{who}</dt>
            <dd>
              {pieces.map((piece, place) => {
                // biome-ignore lint/suspicious/noArrayIndexKey: nor do the pieces of a line.
                if (!('gap' in piece)) return <span key={place}>{piece.text}</span>;
                const verdict = checked ? verdictOf(piece) : undefined;
                return (
                  <span key={piece.id} className={`gap-field ${verdict ?? ''}`}>
                    <input
                      type="text"
                      aria-label={`${who}, gap ${gaps.indexOf(piece) + 1} of ${gaps.length}`}
                      aria-invalid={verdict === 'wrong'}
                      size={Math.max(8, (piece.gap[0] ?? '').length + 1)}
                      autoComplete="off"
                      autoCapitalize="off"
                      spellCheck={false}
                      value={typed[piece.id] ?? ''}
                      onChange={(event) => {
                        setTyped({ ...typed, [piece.id]: event.target.value });
                        setChecked(false);
                      }}
                    />
                    {verdict && <Icon name={verdict === 'wrong' ? 'x' : 'check'} />}
                    {open && verdict === 'wrong' && <b>{piece.gap[0]}</b>}
                  </span>
                );
              })}
            </dd>
          </div>
        ))}
      </dl>
      <p className="row">
        <button type="submit" className="btn go big">
          Check the words
        </button>
        {checked && right < gaps.length && !open && (
          <button type="button" className="btn" onClick={() => setOpen(true)}>
            Show the words
          </button>
        )}
      </p>
      <p ref={result} tabIndex={-1} role="status">
        {checked &&
          (right === gaps.length
            ? 'Every word is right. Now read it aloud, once for each voice.'
            : `${right} of ${gaps.length} are right.`)}
      </p>
    </form>
  );
}
