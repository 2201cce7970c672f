import { proveLabs } from '../support/prove-labs.ts';

proveLabs(1, 6);
