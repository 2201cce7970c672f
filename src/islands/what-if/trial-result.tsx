import { useState } from 'react';
import type { RouteTrialView } from '#contract';
import { OriginChip } from '../decision-viewer/origin-chip.tsx';
import { RoadList } from '../decision-viewer/road-list.tsx';
import { Icon } from '../parts/sign.tsx';
import { useLab } from '../parts/use-store.ts';

/** Where the request would go, the table of routes, the closest miss, and the whole road. */
export function TrialResult({ view, changed }: { view: RouteTrialView; changed: boolean }) {
  const [all, setAll] = useState(false);
  const lab = useLab();
  const failed = view.status === 0 || view.status >= 400;
  return (
    <section className="trial" aria-label="What the proxies decided">
      <p className="trial-verdict">
        <strong className={failed ? 'failed' : 'ok'}>{[view.status || 'no answer', ...view.flags].join(' ')}</strong>{' '}
        {view.verdict}
      </p>
      <p className="dim">{comparison(view, changed)}</p>
      {view.notes.map((note) => (
        <p key={note} className="late-note">
          {note}
        </p>
      ))}
      {view.rows.length > 0 && <MatchTable view={view} />}
      {view.closest && (
        <p className="closest">
          <b>Closest miss:</b> {view.closest}.
        </p>
      )}
      {view.hops.length > 0 && (
        <>
          <button type="button" className="link" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Hide every decision' : 'Every decision on the way'}
          </button>
          {all && (
            <RoadList
              view={{ hops: view.hops, focus: view.hops.map(({ spanId }) => spanId) }}
              label="Decisions of the trial"
              onOpen={(place) => lab.openPlace(place)}
            />
          )}
        </>
      )}
    </section>
  );
}

function comparison(view: RouteTrialView, changed: boolean): string {
  const { inForce } = view;
  const now =
    inForce.reaches !== '' && inForce.status < 400
      ? `it reaches ${inForce.reaches}`
      : `the answer is ${[inForce.status || 'no answer', ...inForce.flags].join(' ')}`;
  if (inForce.same) return changed ? 'The same as with what is in force.' : 'Your text is what is in force.';
  const same = inForce.reaches === view.reaches && inForce.status === view.status;
  return same ? `With what is in force ${now} too, by another cluster.` : `With what is in force ${now}.`;
}

const WORDS = { chosen: 'takes it', rejected: 'passed over', 'not reached': 'not looked at' } as const;

function MatchTable({ view }: { view: RouteTrialView }) {
  const lab = useLab();
  const rows = view.rows.map((row, index) => ({ row, place: index + 1 }));
  return (
    <table className="matches">
      <caption className="sr">Routes in the order in which they are looked at</caption>
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col">Result</th>
          <th scope="col">Holds</th>
          <th scope="col">Because</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ place, row }) => (
          <tr key={place} className={row.result.replace(' ', '-')}>
            <th scope="row">
              {place} <span className="mono">{row.name}</span>
            </th>
            <td>
              {row.result !== 'not reached' && <Icon name={row.result === 'chosen' ? 'check' : 'x'} />}{' '}
              {WORDS[row.result]}
            </td>
            <td className="num">{row.conditions === undefined ? '' : `${row.held} of ${row.conditions}`}</td>
            <td className="why-not">
              {row.reason} {row.location && <OriginChip location={row.location} onOpen={(at) => lab.openPlace(at)} />}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
