import { proveLabs } from '../support/prove-labs.ts';

proveLabs(4, 6);
