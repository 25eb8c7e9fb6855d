//! What is said to a device that was admitted, and what it answers.

use std::time::Duration;

use crate::device::records::Reason;
use crate::enrol::capf::link::{Link, Stream};
use crate::enrol::capf::message::{FromDevice, ToDevice};
use crate::enrol::capf::refusal::Refusal;
use crate::enrol::capf::sessions::Serving;

/// A link that notes when the device was heard.
pub(super) struct Talk<'a, S> {
    link: &'a mut Link<S>,
    serving: &'a Serving,
}

impl<'a, S: Stream> Talk<'a, S> {
    /// With the device that is served.
    pub fn new(link: &'a mut Link<S>, serving: &'a Serving) -> Self {
        Self { link, serving }
    }

    /// Tells the device something.
    pub async fn tell(&mut self, message: &ToDevice<'_>) -> Result<(), Refusal> {
        Ok(self.link.tell(message).await?)
    }

    /// What the device says next.
    pub async fn hear(&mut self, within: Duration) -> Result<FromDevice, Refusal> {
        let heard = self.link.hear(within).await?;
        self.serving.heard();
        Ok(heard)
    }

    /// Tells the device something and hears what it answers. One that says nothing is told apart from a link that broke.
    pub async fn ask(&mut self, message: &ToDevice<'_>, within: Duration) -> Result<FromDevice, Refusal> {
        self.tell(message).await?;
        self.hear(within).await.map_err(|refusal| refusal.or_late(Reason::RequestTimedOut))
    }
}
