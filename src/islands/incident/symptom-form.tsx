import { type FormEvent, useId, useState } from 'react';
import type { IncidentView } from '#contract';
import { useLab } from '../parts/use-store.ts';
import { drillOf } from './incident-store.ts';
import { VerdictLine } from './verdict-line.tsx';

/** Where the trouble shows, and how: an edge of the map, and a sign. */
export function SymptomForm({ view }: { view: IncidentView }) {
  const drill = drillOf(useLab());
  const id = useId();
  const [said, setSaid] = useState<{ right: boolean; text: string }>();
  const [edge, setEdge] = useState('');
  const [sign, setSign] = useState('');
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const [from = '', to = ''] = edge.split(' > ');
    const verdict = await drill.ask('incident.symptom', { from, to, sign });
    if (verdict) setSaid(verdict);
  };
  return (
    <form className="say" aria-label="Name the symptom" onSubmit={(event) => void submit(event)}>
      <label htmlFor={`${id}-edge`}>On which call</label>
      <select id={`${id}-edge`} required value={edge} onChange={(event) => setEdge(event.target.value)}>
        <option value="">choose</option>
        {view.edges.map(({ from, to }) => (
          <option key={`${from} ${to}`} value={`${from} > ${to}`}>
            {from} to {to}
          </option>
        ))}
      </select>
      <label htmlFor={`${id}-sign`}>What is seen there</label>
      <select id={`${id}-sign`} required value={sign} onChange={(event) => setSign(event.target.value)}>
        <option value="">choose</option>
        {view.signs.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      <button type="submit" className="btn go">
        Say it
      </button>
      <VerdictLine said={said} />
    </form>
  );
}
