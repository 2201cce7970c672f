import { useState } from 'react';
import type { IncidentResult, IncidentView } from '#contract';
import { safeStorage } from '../lab/safe-storage.ts';
import { useLab } from '../parts/use-store.ts';
import { drillOf } from './incident-store.ts';

/** What the drill came to: points with their reasons, the cause, and the draft of the postmortem. */
export function Outcome({ view, result }: { view: IncidentView; result: IncidentResult }) {
  const lab = useLab();
  const drill = drillOf(lab);
  const [draft, setDraft] = useState<string>();
  const best = bestOf(lab.labId, view.untimed ? undefined : result.points);
  const write = async (): Promise<void> => setDraft((await drill.ask('incident.postmortem', {}))?.markdown);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(draft ?? '').catch(() => undefined);
    lab.toast({ text: 'The draft is copied.', error: false });
  };
  return (
    <section className="outcome" aria-label="Result">
      <h3>
        {view.untimed ? 'Result, without a clock' : 'Result'}: <span className="num">{result.points} of 100</span>
      </h3>
      {best !== undefined && best > result.points && <p className="num">Your best so far: {best}.</p>}
      <table className="score num">
        <tbody>
          {result.parts.map((part) => (
            <tr key={part.title}>
              <th scope="row">
                {part.title}
                <small>{part.why}</small>
              </th>
              <td className="v">{part.points}</td>
              <td className="par">of {part.of}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>The cause</h3>
      <p>
        <b>{result.cause}</b> {result.explanation}
      </p>
      <p>Any of these would have made users safe:</p>
      <ul className="told">
        {[...new Set(result.remedies)].map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <div className="says">
        <button type="button" className="btn go" onClick={() => void write()}>
          Write the postmortem
        </button>
        <button type="button" className="btn" onClick={() => void lab.reset()}>
          Once more
        </button>
      </div>
      {draft !== undefined && (
        <>
          <label htmlFor="postmortem">Draft, as Markdown. Facts are filled in; the judgement is yours.</label>
          <textarea id="postmortem" rows={16} value={draft} onChange={(event) => setDraft(event.target.value)} />
          <button type="button" className="btn" onClick={() => void copy()}>
            Copy
          </button>
        </>
      )}
    </section>
  );
}

/** The best result of this browser, this one counted. */
function bestOf(lab: string, points: number | undefined): number | undefined {
  const key = `meshwork.drill.${lab}`;
  const known = Number(safeStorage().getItem(key) ?? Number.NaN);
  const all = [known, points ?? Number.NaN].filter((one) => Number.isFinite(one));
  if (all.length === 0) return undefined;
  const best = Math.max(...all);
  if (points !== undefined) safeStorage().setItem(key, String(best));
  return best;
}
