//! Trust bundles in the formats that servers take.
