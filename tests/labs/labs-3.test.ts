import { proveLabs } from '../support/prove-labs.ts';

proveLabs(2, 6);
