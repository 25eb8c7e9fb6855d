//! Good lists and files made bad, in one place each.

/// Elements of a header that hold others: what follows them is theirs.
const CONTAINERS: [u8; 6] = [3, 7, 9, 16, 17, 21];

/// The file with other header elements: without the first two and padding, which are written anew to fit.
pub fn header(file: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let length = usize::from(u16::from_be_bytes([file[8], file[9]]));
    let mut elements = file[10..length].to_vec();
    while elements.last() == Some(&13) {
        elements.pop();
    }
    change(&mut elements);
    while elements.len() % 4 != 2 {
        elements.push(13);
    }
    let new = u16::try_from(10 + elements.len()).unwrap().to_be_bytes();
    [&file[..8], &new, &elements, &file[length..]].concat()
}

/// The list with other elements in a record (the first is 1), whose length is written anew.
pub fn record(file: &[u8], number: usize, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (start, end) = record_place(file, number);
    let mut elements = file[start + 5..end].to_vec();
    change(&mut elements);
    let new = u16::try_from(5 + elements.len()).unwrap().to_be_bytes();
    [&file[..start + 3], &new, &elements, &file[end..]].concat()
}

/// Where a record begins and ends.
pub fn record_place(file: &[u8], number: usize) -> (usize, usize) {
    let mut start = usize::from(u16::from_be_bytes([file[8], file[9]]));
    for _ in 1..number {
        start += usize::from(u16::from_be_bytes([file[start + 3], file[start + 4]]));
    }
    (start, start + usize::from(u16::from_be_bytes([file[start + 3], file[start + 4]])))
}

/// Puts `new` (whole elements, or none) in place of the element of a header.
pub fn in_header(elements: &mut Vec<u8>, tag: u8, new: &[u8]) {
    let place = place(elements, tag, &CONTAINERS);
    elements.splice(place, new.iter().copied());
}

/// Puts `new` in place of the element of a record.
pub fn in_record(elements: &mut Vec<u8>, tag: u8, new: &[u8]) {
    let place = place(elements, tag, &[]);
    elements.splice(place, new.iter().copied());
}

/// Writes another length into the element of a header, and nothing else.
pub fn lie(elements: &mut [u8], tag: u8, more: i32) {
    let place = place(elements, tag, &CONTAINERS);
    let length = u16::from_be_bytes([elements[place.start + 1], elements[place.start + 2]]);
    let new = u16::try_from(i32::from(length) + more).unwrap().to_be_bytes();
    elements[place.start + 1..place.start + 3].copy_from_slice(&new);
}

/// One element.
pub fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[tag], &length[..], value].concat()
}

fn place(elements: &[u8], tag: u8, containers: &[u8]) -> std::ops::Range<usize> {
    let mut at = 0;
    while at < elements.len() {
        let length = usize::from(u16::from_be_bytes([elements[at + 1], elements[at + 2]]));
        let own = if containers.contains(&elements[at]) { 3 } else { 3 + length };
        if elements[at] == tag {
            return at..at + own;
        }
        at += own;
    }
    panic!("there is no element {tag}")
}
