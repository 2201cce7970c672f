import { useEffect, useState } from 'react';
import { browserTimers, LabClient, readAddress, sameOriginTransport, storedDrafts } from '../../lab-client/index.ts';
import { LabContext } from '../parts/use-store.ts';
import { Desk } from './desk.tsx';
import { keepEvidence } from './evidence.ts';
import { HeaderStatus } from './header-status.tsx';
import { safeStorage } from './safe-storage.ts';

interface LabPageProps {
  /** Absent on the page that takes it from `?lab=`. */
  lab?: string;
}

function createClient(lab: string): LabClient {
  return new LabClient({
    lab,
    view: readAddress(location.search),
    transport: sameOriginTransport(location),
    timers: browserTimers,
    chance: Math.random,
    drafts: storedDrafts(safeStorage()),
    publish: (search) => {
      const kept = new URLSearchParams(location.search).get('lab');
      const own = kept === null ? search : `${search}&lab=${encodeURIComponent(kept)}`;
      history.replaceState(history.state, '', own + location.hash);
    },
  });
}

/** The lab: do, see, why. Everything on it comes over one socket; without a lab server it says so and waits. */
export default function LabPage({ lab }: LabPageProps) {
  const [client] = useState(() => createClient(lab ?? new URLSearchParams(location.search).get('lab') ?? ''));
  useEffect(() => {
    client.start();
    const leave = keepEvidence(client);
    return () => {
      leave();
      client.stop();
    };
  }, [client]);
  return (
    <LabContext value={client}>
      <HeaderStatus />
      <Desk />
    </LabContext>
  );
}
