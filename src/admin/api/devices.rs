//! `/devices`: the inventory of phones and gateways, and what is to be done with each.

mod types;

pub use types::{
    BulkOperation, BulkReport, ChangedDevice, Device, DeviceBatch, DeviceBatchReport, DeviceFault,
    DeviceFilter, DeviceOperation, DeviceOutcome, DeviceRow, DeviceStep, DeviceString, HeldCertificate,
};
