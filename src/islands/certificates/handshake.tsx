import type { CertificateView } from '#contract';
import { Empty } from '../parts/empty.tsx';
import { Pending } from '../parts/pending.tsx';
import { Icon } from '../parts/sign.tsx';
import { useLive } from '../parts/use-live.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { shortPod } from '../xds-inspector/train-graph.ts';
import { type Connection, connectionsOf, type RecordStep, stepsOf } from './connections.ts';
import { shortSerial } from './life.ts';

/** The handshakes of the open request as step-by-step records: one for each connection that it crossed. */
export function Handshakes() {
  const lab = useLab();
  const { request } = useStore(lab.stores.view);
  const live = useLive('handshakes.read', { request: request ?? '' }, { everyMs: 0, wanted: request !== undefined });
  if (request === undefined) return <Empty text="No request is open. Choose one in Requests to read its handshakes." />;
  if (live.state !== 'ready') return <Pending live={live} what="The handshakes" />;
  const connections = connectionsOf(live.value.handshakes);
  return (
    <div className="handshakes">
      {live.value.plaintext.map((words) => (
        <p key={words} className="plaintext">
          <Icon name="lock" />
          {words}: no handshake, nobody proved anything.
        </p>
      ))}
      {connections.length === 0 && live.value.plaintext.length === 0 && (
        <p className="pad">This request never left its proxy, so there was no handshake.</p>
      )}
      {connections.map((connection) => (
        <OneConnection key={connection.key} connection={connection} />
      ))}
    </div>
  );
}

function OneConnection({ connection }: { connection: Connection }) {
  const { client, server } = connection;
  const ends = [client?.pod ?? 'outside', server?.pod ?? 'outside'].map(shortPod);
  return (
    <section aria-label={`Handshake of ${ends[0]} with ${ends[1]}`}>
      <h3>
        {ends[0]}
        <svg className="i arrow" aria-hidden="true">
          <use href="#i-next" />
        </svg>{' '}
        <span className="sr">to </span>
        {ends[1]}{' '}
        <span className="tag">
          {client?.reused ? 'made earlier: this request used an open connection' : 'made for this request'}
        </span>
      </h3>
      <ol className="lineup chain">
        {stepsOf(connection).map((step) => (
          <Step key={step.title} step={step} />
        ))}
      </ol>
    </section>
  );
}

function Step({ step }: { step: RecordStep }) {
  return (
    <li className={step.stop ? 'stopped' : step.title === 'Finished' ? 'done' : ''}>
      <p>
        <b>{step.title}</b> <span className="dim">{step.by === 'both' ? '' : shortPod(step.by)}</span>
      </p>
      {step.facts.length > 0 && (
        <dl className="parts">
          {step.facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="mono">{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {step.chain && <ShownChain chain={step.chain} />}
      {step.verdict && (
        <p className={step.verdict.good ? 'good' : 'bad'}>
          <Icon name={step.verdict.good ? 'check' : 'x'} />
          {step.verdict.words}
        </p>
      )}
    </li>
  );
}

function ShownChain({ chain }: { chain: readonly CertificateView[] }) {
  return (
    <dl className="parts">
      {chain.map(({ sha256, names, subject, serial }, place) => (
        <div key={sha256}>
          <dt>{place === 0 ? 'Leaf' : 'Signed by'}</dt>
          <dd className="mono">
            {names.join(', ') || subject} <span className="dim">serial {shortSerial(serial)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
