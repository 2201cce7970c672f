import { useLab, useStore } from '../parts/use-store.ts';

/** Says in one line that the lab server is away; the rest of the site does not need it. */
export function Banner() {
  const lab = useLab();
  const connection = useStore(lab.stores.connection);
  const home = useStore(lab.stores.home);
  if (connection === 'open' || connection === 'connecting' || connection === 'closed') return null;
  const words = {
    away: 'The lab is not running. Days, words and cards still work.',
    retrying: 'The lab does not answer. It is called again; your text is safe.',
    misplaced: `The lab server does not answer to pages opened as ${location.host}, so there is no mesh here.`,
    replaced: 'This lab is open in another tab, which now has the connection.',
  }[connection];
  return (
    <div className="banner" role="status">
      <p>{words}</p>
      {connection === 'away' && (
        <p className="how">
          Start it with <code>npm start</code> and open the address that it prints.
        </p>
      )}
      {home && <Home home={home} />}
      <button type="button" className="btn" onClick={() => lab.retryNow()}>
        {connection === 'replaced' ? 'Use it here' : 'Try now'}
      </button>
    </div>
  );
}

/** The same page where the lab server answers; from another machine that address needs a way there. */
function Home({ home }: { home: string }) {
  const { host, port } = new URL(home);
  return (
    <p className="how">
      Open <a href={home + location.pathname + location.search}>{host}</a>. From another machine, forward that port
      first:{' '}
      <code>
        ssh -L {port || 80}:{host} MACHINE
      </code>
    </p>
  );
}
