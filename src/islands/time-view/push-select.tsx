import type { PushView } from '#contract';

interface PushSelectProps {
  label: string;
  pushes: readonly PushView[];
  value: number;
  onChange: (push: number) => void;
}

/** One push of all, or the start, which is push 0. */
export function PushSelect({ label, pushes, value, onChange }: PushSelectProps) {
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => onChange(Number(event.target.value))}>
        <PushOptions pushes={pushes} />
      </select>
    </label>
  );
}

/** The start and every push, as options whose value is the number. */
export function PushOptions({ pushes }: { pushes: readonly PushView[] }) {
  return (
    <>
      <option value={0}>0: the start</option>
      {pushes.map(({ number, title }) => (
        <option key={number} value={number}>
          {number}: {title}
        </option>
      ))}
    </>
  );
}
