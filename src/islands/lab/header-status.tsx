import { createPortal } from 'react-dom';
import type { SandboxView } from '#contract';
import { counted, formatMs } from '../parts/format.ts';
import { Mark } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

/** Title and state of the lab, drawn into the page's head. */
export function HeaderStatus() {
  const { stores } = useLab();
  const lab = useStore(stores.lab);
  const sandbox = useStore(stores.sandbox);
  const connection = useStore(stores.connection);
  const where = document.querySelector<HTMLElement>('#lab-where');
  const run = document.querySelector('#lab-run');
  const known = where?.dataset ?? {};
  const title = lab?.title ?? known['title'] ?? 'Lab';
  const day = lab?.day ?? known['day'];
  return (
    <>
      {where && createPortal(<Where title={title} day={day} />, where)}
      {run && createPortal(connection === 'open' ? <Run sandbox={sandbox} /> : 'Not connected', run)}
    </>
  );
}

function Where({ title, day }: { title: string; day: number | string | undefined }) {
  return (
    <>
      <h1>{title}</h1>
      {day !== undefined && <span className="day">Day {day}</span>}
    </>
  );
}

function Run({ sandbox }: { sandbox: SandboxView | undefined }) {
  if (!sandbox) return <>Opening</>;
  if (sandbox.status === 'running') {
    return (
      <>
        <Mark name="ok" size={12} />
        <span className="num">
          Mesh running, {counted(sandbox.pods.length, 'pod')}
          {sandbox.startMs !== undefined && `, started in ${formatMs(sandbox.startMs)}`}
        </span>
      </>
    );
  }
  if (sandbox.status === 'starting') return <>Mesh starting</>;
  return (
    <>
      <Mark name="error" size={12} />
      {sandbox.status === 'crashed' ? 'Mesh crashed' : 'Mesh stopped'}
    </>
  );
}
