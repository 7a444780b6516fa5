/// Declares an aggregate's events: each name is a payload struct in scope, its type on disk, and the version written today.
///
/// The list is the storage format. A name, once released, stays; a changed payload gets the next version and a reader for the old one, as
/// `Name 2, 1 => v1::Name`, where the old struct converts into the new.
macro_rules! events {
    ($($(#[$doc:meta])* $name:ident $version:literal $(, $old_version:literal => $old:ty)*)+) => {
        #[derive(Clone, Debug, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $name($name),)+
        }

        impl Event {
            /// Every type with the version written today. The golden files are held against this list.
            pub const TYPES: &'static [(&'static str, u16)] = &[$((stringify!($name), $version)),+];
        }

        $(impl From<$name> for Event {
            fn from(payload: $name) -> Self {
                Self::$name(payload)
            }
        })+

        impl $crate::EventSchema for Event {
            fn event_type(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),+ }
            }

            fn version(&self) -> u16 {
                match self { $(Self::$name(_) => $version),+ }
            }

            fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(payload) => $crate::write(payload)),+ }
            }

            fn decode(event_type: &str, version: u16, data: &[u8]) -> Result<Self, $crate::DecodeError> {
                $(if (event_type, version) == (stringify!($name), $version) {
                    return $crate::read(event_type, version, data).map(Self::$name);
                }
                $(if (event_type, version) == (stringify!($name), $old_version) {
                    return $crate::read::<$old>(event_type, version, data).map(|old| Self::$name(old.into()));
                })*)+
                Err($crate::DecodeError::unknown(event_type, version))
            }
        }
    };
}

pub(crate) use events;
