import { createPortal } from 'react-dom';
import type { SandboxView } from '#contract';
import { counted, formatMs } from '../parts/format.ts';
import { Mark } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

/** State of the lab, drawn into the page's head. */
export function HeaderStatus() {
  const { stores } = useLab();
  const sandbox = useStore(stores.sandbox);
  const connection = useStore(stores.connection);
  const run = document.querySelector('#lab-run');
  return run && createPortal(connection === 'open' ? <Run sandbox={sandbox} /> : 'Not connected', run);
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
