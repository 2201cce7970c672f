import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';

const lease = await leaseSubnet(seededRandom(`mesh/${process.pid}/${performance.now()}`));

/** `127.<subnet>`: a part of the loopback network that no other test and no other mesh of this machine uses while this file runs. */
export const NET = `127.${lease.subnet}`;
