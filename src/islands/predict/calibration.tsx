import { useEffect, useState } from 'react';
import type { LogEntry } from '#contract';
import { openLogStore } from '../cards/log-store.ts';
import { type Week, weeksOf } from './weeks.ts';

/** How close the learner's forecasts have come, week by week, out of the log of everything they did. */
export function Calibration({ after }: { after: number }) {
  const [entries, setEntries] = useState<readonly LogEntry[]>([]);
  useEffect(() => {
    // The run that has just been kept counts too.
    if (after >= 0)
      openLogStore()
        .then((store) => store.all())
        .then(setEntries, () => setEntries([]));
  }, [after]);
  const weeks = weeksOf(entries);
  if (weeks.length === 0) return <p className="dim">Your forecasts are kept, and compared here week by week.</p>;
  return (
    <section className="calibration" aria-label="Your forecasts over the weeks">
      <h3>Your forecasts over the weeks</h3>
      <table className="sums num">
        <thead>
          <tr>
            <th scope="col">Week from</th>
            <th scope="col">Figures</th>
            <th scope="col">Close</th>
            <th scope="col">Off by, on average</th>
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <WeekRow key={week.fromMs} week={week} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function WeekRow({ week }: { week: Week }) {
  return (
    <tr>
      <th scope="row">{new Date(week.fromMs).toLocaleDateString('en-CA')}</th>
      <td>{week.figures}</td>
      <td>{Math.round((week.close / week.figures) * 100)} %</td>
      <td>{week.shares === 0 ? '' : `${(week.offPoints / week.shares).toFixed(0)} points`}</td>
    </tr>
  );
}
