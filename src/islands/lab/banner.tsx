import { useLab, useStore } from '../parts/use-store.ts';

/** Says in one line that the lab server is away; the rest of the site does not need it. */
export function Banner() {
  const lab = useLab();
  const connection = useStore(lab.stores.connection);
  if (connection === 'open' || connection === 'connecting' || connection === 'closed') return null;
  const words = {
    away: 'The lab is not running. Days, words and cards still work.',
    retrying: 'The lab does not answer. It is called again; your text is safe.',
    replaced: 'This lab is open in another tab, which now has the connection.',
  }[connection];
  return (
    <div className="banner" role="status">
      <p>{words}</p>
      {connection === 'away' && (
        <p className="how">
          Start it with <code>npm start</code>.
        </p>
      )}
      <button type="button" className="btn" onClick={() => lab.retryNow()}>
        {connection === 'replaced' ? 'Use it here' : 'Try now'}
      </button>
    </div>
  );
}
