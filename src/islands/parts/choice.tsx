import { useId } from 'react';

interface ChoiceProps<K extends string | number> {
  label: string;
  choices: readonly (readonly [K, string])[];
  chosen: K;
  onChoose: (key: K) => void;
}

/** One of a few, side by side: radio buttons, moved through by the arrow keys. */
export function Choice<K extends string | number>({ label, choices, chosen, onChoose }: ChoiceProps<K>) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend className="sr">{label}</legend>
      {choices.map(([key, word]) => (
        <label key={key}>
          <input type="radio" name={name} checked={key === chosen} onChange={() => onChoose(key)} />
          {word}
        </label>
      ))}
    </fieldset>
  );
}
