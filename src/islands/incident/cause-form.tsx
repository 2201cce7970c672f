import { type FormEvent, useId, useState } from 'react';
import type { IncidentView, ProofView } from '#contract';
import { statusText } from '../../lab-client/index.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { drillOf } from './incident-store.ts';
import { VerdictLine } from './verdict-line.tsx';

/** The cause, and one fact that only it explains. */
export function CauseForm({ view }: { view: IncidentView }) {
  const drill = drillOf(useLab());
  const id = useId();
  const [cause, setCause] = useState('');
  const [proofId, setProofId] = useState(view.proofs[0]?.id ?? '');
  const [value, setValue] = useState('');
  const [said, setSaid] = useState<{ right: boolean; text: string }>();
  const proof = view.proofs.find((one) => one.id === proofId);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const verdict = await drill.ask('incident.cause', { cause, proof: proofId, value });
    if (verdict) setSaid(verdict);
  };
  return (
    <form className="say" aria-label="Name the cause" onSubmit={(event) => void submit(event)}>
      <fieldset>
        <legend>The cause</legend>
        {view.causes.map((one) => (
          <label key={one.id} className="pick">
            <input
              type="radio"
              name={`${id}-cause`}
              required
              checked={cause === one.id}
              onChange={() => setCause(one.id)}
            />
            {one.text}
          </label>
        ))}
      </fieldset>
      <label htmlFor={`${id}-proof`}>What proves it</label>
      <select
        id={`${id}-proof`}
        value={proofId}
        onChange={(event) => {
          setProofId(event.target.value);
          setValue('');
        }}
      >
        {view.proofs.map((one) => (
          <option key={one.id} value={one.id}>
            {one.title}
          </option>
        ))}
      </select>
      {proof && <ProofField id={`${id}-value`} proof={proof} value={value} onValue={setValue} />}
      <button type="submit" className="btn go">
        Prove it
      </button>
      <VerdictLine said={said} />
    </form>
  );
}

interface FieldProps {
  id: string;
  proof: ProofView;
  value: string;
  onValue: (value: string) => void;
}

function ProofField({ id, proof, value, onValue }: FieldProps) {
  if (proof.kind === 'request') return <OpenRequest value={value} onValue={onValue} />;
  if (proof.kind === 'push') return <WhichPush id={id} value={value} onValue={onValue} />;
  if (proof.kind === 'experiment') {
    return (
      <p>
        {proof.seen
          ? 'The lab has seen it.'
          : 'The lab watches: make users safe, bring the trouble back by that one change, take it away again.'}
      </p>
    );
  }
  if (proof.choices) {
    return (
      <>
        <label htmlFor={id}>Which</label>
        <select id={id} required value={value} onChange={(event) => onValue(event.target.value)}>
          <option value="">choose</option>
          {proof.choices.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </>
    );
  }
  return (
    <>
      <label htmlFor={id}>{proof.unit ? `How many ${proof.unit}` : 'As it is written there'}</label>
      <input
        id={id}
        required
        autoComplete="off"
        inputMode={proof.kind === 'number' ? 'decimal' : 'text'}
        value={value}
        onChange={(event) => onValue(event.target.value)}
      />
    </>
  );
}

/** The request whose decision path is open: opened first, handed in here. */
function OpenRequest({ value, onValue }: Pick<FieldProps, 'value' | 'onValue'>) {
  const { stores } = useLab();
  const explanation = useStore(stores.explanation);
  const open = explanation.state === 'ready' ? explanation.view.request : undefined;
  return (
    <div className="handed">
      <p>
        {open
          ? `Open now: ${statusText(open)}, ${open.source} to ${open.destination}.`
          : 'Open a request in the list first.'}
      </p>
      <button type="button" className="btn" disabled={!open} onClick={() => open && onValue(open.id)}>
        {value !== '' && value === open?.id ? 'This one is handed in' : 'Hand in the open request'}
      </button>
    </div>
  );
}

function WhichPush({ id, value, onValue }: Omit<FieldProps, 'proof'>) {
  const { stores } = useLab();
  const pushes = useStore(stores.pushes);
  return (
    <>
      <label htmlFor={id}>Which push</label>
      <select id={id} required value={value} onChange={(event) => onValue(event.target.value)}>
        <option value="">choose</option>
        {pushes.map(({ number, title }) => (
          <option key={number} value={number}>
            {number}: {title}
          </option>
        ))}
      </select>
    </>
  );
}
