import { proveLabs } from '../support/prove-labs.ts';

proveLabs(0, 6);
