/** How a learner answers. `pace`: no clock, the time given, or twice that. */
export interface How {
  readonly aloud: boolean;
  readonly pace: 0 | 1 | 2;
}

export const paceNames = ['no clock', 'the time given', 'twice the time'] as const;

/** The choice stays for the questions that follow. */
export function HowChoice({ how, onChange }: { how: How; onChange(how: How): void }) {
  return (
    <fieldset className="row">
      <legend className="sr">How you answer</legend>
      <label>
        <input type="radio" name="how" checked={how.aloud} onChange={() => onChange({ ...how, aloud: true })} /> aloud
      </label>
      <label>
        <input type="radio" name="how" checked={!how.aloud} onChange={() => onChange({ ...how, aloud: false })} /> typed
      </label>
      <label>
        Clock{' '}
        <select
          value={how.pace}
          onChange={(event) => onChange({ ...how, pace: Number(event.target.value) as How['pace'] })}
        >
          {paceNames.map((name, pace) => (
            <option key={name} value={pace}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </fieldset>
  );
}
