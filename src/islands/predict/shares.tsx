import { useId } from 'react';

export interface ShareText {
  name: string;
  share: string;
}

/** Names and shares as numbers; empty rows are left out. */
export function sharesOf(shares: readonly ShareText[]): Record<string, number> {
  return Object.fromEntries(
    shares.filter(({ name, share }) => name !== '' && share !== '').map(({ name, share }) => [name, Number(share)]),
  );
}

export const sumOf = (shares: readonly ShareText[]): number =>
  shares.reduce((sum, { share }) => sum + (Number(share) || 0), 0);

interface SharesProps {
  title: string;
  names: string;
  shares: readonly ShareText[];
  onShares: (shares: readonly ShareText[]) => void;
  /** What the learner may add; empty: the names are fixed. */
  suggestions: readonly string[];
}

/** Rows of a name and a share of 100, with their sum. */
export function Shares({ title, names, shares, onShares, suggestions }: SharesProps) {
  const id = useId();
  const change = (index: number, part: Partial<ShareText>): void =>
    onShares(shares.map((one, at) => (at === index ? { ...one, ...part } : one)));
  const left = suggestions.filter((name) => !shares.some((one) => one.name === name));
  return (
    <fieldset className="shares">
      <legend>{title}</legend>
      <ul>
        {shares.map((one, index) => (
          <li key={one.name}>
            <label htmlFor={`${id}-${one.name}`}>
              {names} {one.name}
            </label>
            <input
              id={`${id}-${one.name}`}
              type="number"
              min={0}
              max={100}
              step="any"
              value={one.share}
              onChange={(event) => change(index, { share: event.target.value })}
            />
            {suggestions.length > 0 && shares.length > 1 && (
              <button
                type="button"
                className="btn quiet"
                aria-label={`Leave out ${one.name}`}
                onClick={() => onShares(shares.filter((other) => other !== one))}
              >
                Leave out
              </button>
            )}
          </li>
        ))}
      </ul>
      <p className="num">
        Sum {sumOf(shares)} of 100
        {left.length > 0 && (
          <select
            aria-label={`Add a ${names.toLowerCase()}`}
            value=""
            onChange={(event) => onShares([...shares, { name: event.target.value, share: '' }])}
          >
            <option value="">add</option>
            {left.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </p>
    </fieldset>
  );
}
